// Command mutants shows that the tests notice faults: it breaks the code on purpose, one small fault at a time, and
// runs the tests, at most twice, until one fails.
//
//	go run ./internal/mutants [-run regexp] [-v]
//
// The mutants are in the .txt files beside this one. Each is a few lines of code that replace
// others, with the rule or the invariant of docs/TESTING.md that they break. Nothing is copied,
// and nothing is changed on disk: the go command reads the mutated file through its -overlay.
//
// The report has a line for each mutant: what it breaks, and the first test that failed. The command fails if a mutant
// survives, which means a hole in the tests. It also fails if a mutant no longer applies or does not compile, because
// the code that it was made for has changed: give the mutant the lines that the code has now.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	only    = flag.String("run", "", "run only the mutants whose name, rules or file match this regular expression")
	verbose = flag.Bool("v", false, "print what the tests that failed had to say")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run() error {
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	mutants, err := list()
	if err != nil {
		return err
	}
	r, err := newRunner()
	if err != nil {
		return err
	}
	defer os.RemoveAll(r.temp)
	start := time.Now()
	for _, pkg := range defaultTests {
		if out, err := r.test(pkg, ""); err != nil {
			return fmt.Errorf("the tests of %s fail without any mutant:\n%s", pkg, out)
		}
	}

	const atOnce = 2
	free := make(chan struct{}, atOnce)
	var trials []*trial
	for _, m := range mutants {
		if wanted.MatchString(m.name) || wanted.MatchString(m.breaks) || wanted.MatchString(m.file) {
			trials = append(trials, &trial{mutant: m, done: make(chan struct{})})
		}
	}
	go func() {
		for _, t := range trials {
			free <- struct{}{}
			go func() {
				r.try(t)
				<-free
				close(t.done)
			}()
		}
	}()
	failures := 0
	for _, t := range trials {
		<-t.done
		fmt.Printf("%-42s %-10s %-70s %4.1f s\n", t.name, t.rules(), t.verdict, t.took.Seconds())
		if !t.killed {
			failures++
		}
		if !t.killed || *verbose {
			fmt.Println(t.output)
		}
	}
	fmt.Printf("%d mutants, %d killed, %.0f s\n", len(trials), len(trials)-failures, time.Since(start).Seconds())
	if failures > 0 {
		return fmt.Errorf("%d of %d mutants were not killed", failures, len(trials))
	}
	return nil
}

// A trial is the run of the tests against one mutant.
type trial struct {
	mutant
	killed  bool
	verdict string // the test that failed, or what else came of it
	output  string
	took    time.Duration
	done    chan struct{}
}

// A runner runs tests of the module, with files replaced.
type runner struct {
	root, temp string
}

func newRunner() (*runner, error) {
	gomod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "mutants")
	return &runner{root: filepath.Dir(strings.TrimSpace(string(gomod))), temp: temp}, err
}

// try runs the tests that are to kill the mutant, until one fails.
func (r *runner) try(t *trial) {
	start := time.Now()
	defer func() { t.took = time.Since(start) }()
	overlay, err := r.overlay(t.mutant)
	if err != nil {
		t.verdict = err.Error()
		return
	}
	// Twice, since a fault may show only where goroutines meet.
	for _, pkg := range slices.Concat(t.tests, t.tests) {
		t.output, err = r.test(pkg, overlay)
		var exit *exec.ExitError
		switch {
		case err == nil:
			continue
		case !errors.As(err, &exit):
			t.verdict = err.Error()
		case strings.Contains(t.output, "[build failed]"), strings.Contains(t.output, "[setup failed]"):
			t.verdict = "does not compile"
		default:
			t.killed, t.verdict = true, pkg+" "+firstFailure(t.output)
		}
		return
	}
	t.verdict = "SURVIVES"
}

// overlay mutates a copy of the mutant's file, and returns the file that tells the go command of it.
func (r *runner) overlay(m mutant) (string, error) {
	original := filepath.Join(r.root, filepath.FromSlash(m.file))
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	mutated, err := m.apply(string(text))
	if err != nil {
		return "", err
	}
	file := filepath.Join(r.temp, m.name+".go")
	if err := os.WriteFile(file, []byte(mutated), 0o600); err != nil {
		return "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{original: file}})
	if err != nil {
		return "", err
	}
	return file + ".json", os.WriteFile(file+".json", list, 0o600)
}

// flagsOf are flags for the tests of a package: those that judge the engine are run, and where they are random
// they are the same at every run, and not shrunk.
var flagsOf = map[string][]string{
	"./sharingtest": {"-run=^TestEngine$", "-rapid.seed=1", "-rapid.shrinktime=1ms", "-rapid.nofailfile"},
	"./memstore":    {"-rapid.seed=1", "-rapid.shrinktime=1ms", "-rapid.nofailfile"},
}

// unoptimised makes the compiler quick, which is most of the work. Tests that count allocations need the optimiser.
const unoptimised = "-gcflags=github.com/imageshare/sharing/...=-N -l"

// test runs the tests of a package until the first that fails. Its error is an [exec.ExitError] if one did.
func (r *runner) test(pkg, overlay string) (string, error) {
	args := []string{"test", "-failfast", "-count=1", "-vet=off", "-timeout=3m", unoptimised, "-skip=Allocates"}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	cmd := exec.Command("go", append(append(args, pkg), flagsOf[pkg]...)...)
	cmd.Dir = r.root
	out, err := cmd.CombinedOutput()
	return string(out), err
}

var (
	failed  = regexp.MustCompile(`(?m)^( *)--- FAIL: (\S+)`)
	timeout = regexp.MustCompile(`running tests:\n\s*(\S+)`)
)

// firstFailure returns the name of the first test that failed: the innermost, where tests have parts.
func firstFailure(output string) string {
	name, depth := "", -1
	for _, found := range failed.FindAllStringSubmatch(output, -1) {
		if len(found[1]) <= depth {
			break
		}
		name, depth = found[2], len(found[1])
	}
	if name == "" {
		if running := timeout.FindStringSubmatch(output); running != nil {
			return running[1] + " (never ends)"
		}
		return "(the program died)"
	}
	return name
}
