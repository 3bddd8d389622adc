package report

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine describes the machine that this runs on: "2 cores of AMD EPYC, 24 GB, linux/amd64, go1.26.0".
func Machine() string {
	parts := []string{fmt.Sprintf("%d cores of %s", runtime.GOMAXPROCS(0), field("/proc/cpuinfo", "model name", "an unknown model"))}
	var kB int
	if _, err := fmt.Sscan(field("/proc/meminfo", "MemTotal", ""), &kB); err == nil {
		parts = append(parts, fmt.Sprintf("%d GB", (kB+500_000)/1_000_000))
	}
	return strings.Join(append(parts, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version()), ", ")
}

// field returns the value of a line "name: value", or otherwise if there is none.
func field(file, name, otherwise string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return otherwise // not Linux
	}
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}
