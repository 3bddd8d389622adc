package pgtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// A Disk is a small file system, in memory, that can be full.
type Disk struct{ dir string }

var errNoMount = errors.New("no file system may be mounted: run the test as root to fill a disk")

// Confine moves a folder of the server's cluster, such as "base", onto a disk of so many bytes, and
// starts the server again. Where mounting is not permitted the test is skipped, or fails where CI=true.
func (s *Server) Confine(tb testing.TB, folder string, size int) *Disk {
	tb.Helper()
	s.Stop()
	d := &Disk{filepath.Join(s.data(), folder)}
	moved := d.dir + ".moved"
	owner := unprivileged()
	if owner == nil {
		Check(tb, errNoMount)
	}
	if err := errors.Join(os.Rename(d.dir, moved), os.Mkdir(d.dir, 0o700)); err != nil {
		tb.Fatal(err)
	}
	options := fmt.Sprintf("size=%d,mode=700,uid=%d,gid=%d", size, owner.Credential.Uid, owner.Credential.Gid)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", d.dir).CombinedOutput(); err != nil {
		Check(tb, fmt.Errorf("%w: %s", errNoMount, out))
	}
	keeper := exec.Command("/bin/sh", "-c", `trap "" INT TERM; cat; umount -l "$1"`, "sh", d.dir) // in whatever way the test's process ends
	stdin, err := keeper.StdinPipe()
	if err == nil {
		err = keeper.Start()
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.Stop()
		if err := errors.Join(stdin.Close(), keeper.Wait()); err != nil {
			tb.Errorf("umount: %v", err)
		}
	})
	if out, err := exec.Command("cp", "-a", moved+"/.", d.dir).CombinedOutput(); err != nil {
		tb.Fatalf("cp: %v\n%s", err, out)
	}
	s.Launch(tb)
	return d
}

func (d *Disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// Fill takes all space of the disk but so many bytes.
func (d *Disk) Fill(tb testing.TB, left int64) {
	tb.Helper()
	file, err := os.Create(d.ballast())
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	zero, err := os.Open("/dev/zero")
	if err != nil {
		tb.Fatal(err)
	}
	defer zero.Close()
	size, err := io.Copy(file, zero)
	if !errors.Is(err, syscall.ENOSPC) || size < left {
		tb.Fatalf("the disk took %d bytes, and then: %v", size, err)
	}
	if err := file.Truncate(size - left); err != nil {
		tb.Fatal(err)
	}
}

// Free gives back what Fill took.
func (d *Disk) Free(tb testing.TB) {
	tb.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		tb.Fatal(err)
	}
}
