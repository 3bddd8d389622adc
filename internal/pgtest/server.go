// Package pgtest runs private Postgres servers for tests: in a temporary folder, on a Unix
// socket, as an unprivileged user, stopped and removed at the end.
package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Server is a Postgres server with a cluster of its own.
type Server struct {
	bin, dir string
	port     string
	tcp      bool
	settings []string
	keeper   *exec.Cmd
	stdin    io.Closer
	log      string
}

// socketPort is a name only: it is part of the socket's.
const socketPort = "5432"

// Start starts a server on a new cluster, with settings such as "fsync=off". It ends with the test.
// Without binaries the test is skipped, or fails where CI=true.
func Start(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	s, err := New(settings...)
	Check(tb, err)
	tb.Cleanup(s.Remove)
	return s
}

// New starts a server on a new cluster. Whoever calls it has to remove it.
func New(settings ...string) (*Server, error) {
	s, err := newServer(settings)
	if err != nil {
		return nil, err
	}
	err = s.run("initdb", "-D", s.data(), "-U", "sharing", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if err == nil {
		err = s.launch()
	}
	if err != nil {
		s.Remove()
		return nil, err
	}
	return s, nil
}

// Remove stops the server, and removes all that it has.
func (s *Server) Remove() {
	s.Stop()
	_ = os.RemoveAll(s.dir)
}

// Check ends the test if something went wrong: where the machine lacks what it needs it is skipped, unless CI=true.
func Check(tb testing.TB, err error) {
	tb.Helper()
	lacks := errors.Is(err, errNoBinaries) || errors.Is(err, errNoMount) || errors.Is(err, errNoVanishing)
	switch {
	case lacks && os.Getenv("CI") != "true":
		tb.Skip(err)
	case err != nil:
		tb.Fatal(err)
	}
}

var errNoBinaries = errors.New("no Postgres server found, on the path or in /usr/lib/postgresql: get it by apt-get install postgresql")

// Standby starts a standby of the server, which streams under this name.
func (s *Server) Standby(tb testing.TB, name string, settings ...string) *Server {
	tb.Helper()
	standby, err := newServer(settings)
	Check(tb, err)
	tb.Cleanup(standby.Remove)
	source := fmt.Sprintf("host=%s port=%s user=sharing application_name=%s", s.dir, s.port, name)
	Check(tb, standby.run("pg_basebackup", "-D", standby.data(), "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync"))
	standby.Launch(tb)
	return standby
}

func newServer(settings []string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest") // short enough for the path of a socket
	if err != nil {
		return nil, err
	}
	if attr := unprivileged(); attr != nil {
		if err := os.Chown(dir, int(attr.Credential.Uid), int(attr.Credential.Gid)); err != nil {
			return nil, err
		}
	}
	return &Server{bin: bin, dir: dir, port: socketPort, settings: settings, log: filepath.Join(dir, "log")}, nil
}

// binaries finds the folder with the server's programs.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", err
		}
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", errNoBinaries
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// unprivileged returns what makes a command run as nobody, if this process is root: Postgres refuses to run as root.
func unprivileged() *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil
	}
	uid, _ := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, _ := strconv.ParseUint(nobody.Gid, 10, 32)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, unprivileged()
	return cmd
}

// run runs one of the server's programs to its end.
func (s *Server) run(program string, args ...string) error {
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

// Launch starts the server, which does not run, and waits until it answers.
func (s *Server) Launch(tb testing.TB) {
	tb.Helper()
	Check(tb, s.launch())
}

// keep runs the server until its own standard input ends, which it does when the test's process does, in whatever way.
const keep = `"$@" </dev/null & server=$!; cat; kill -INT $server 2>/dev/null; wait $server`

func (s *Server) launch() error {
	args := []string{"-c", keep, "sh", filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.dir, "-p", s.port,
		"-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=64MB"}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command("/bin/sh", args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, unprivileged()
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.keeper = cmd
	deadline := time.Now().Add(5 * time.Minute)
	for ; s.run("pg_isready", "-q", "-h", s.dir, "-p", s.port) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(s.log)
			return fmt.Errorf("the server does not answer:\n%s", log)
		}
	}
	return nil
}

// Stop stops the server, if it runs.
func (s *Server) Stop() {
	if s.keeper != nil {
		_ = s.stdin.Close()
		_ = s.keeper.Wait()
		s.keeper = nil
	}
}

// Kill ends the postmaster by kill -9, and all that it started.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		tb.Fatal(err)
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	pid, err := strconv.Atoi(string(first))
	if err != nil {
		tb.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil { // so that it starts no more children
		tb.Fatal(err)
	}
	for state(pid) != "T" { // a fork may still be under way
		time.Sleep(time.Millisecond)
	}
	all := append(children(pid), pid)
	for _, pid := range all {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			tb.Fatal(err)
		}
	}
	s.Stop()
	for _, pid := range all {
		for s := state(pid); s != "" && s != "Z"; s = state(pid) { // a new server refuses to start before
			time.Sleep(time.Millisecond)
		}
	}
	_ = os.Remove(filepath.Join(s.dir, ".s.PGSQL."+s.port)) // so that it does not look as if the server were there
}

// children returns the processes that a process has started.
func children(parent int) []int {
	var pids []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// state returns the letter of a process's state, such as T if it is stopped and Z if
// nobody has waited for its end yet. That of no process is empty.
func state(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	letter, _, _ := strings.Cut(rest, " ")
	return letter
}

// Admit puts a line before all others of the server's pg_hba.conf.
func (s *Server) Admit(tb testing.TB, line string) {
	tb.Helper()
	path := filepath.Join(s.data(), "pg_hba.conf")
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append([]byte(line+"\n"), text...), 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	s.SQL(tb, "postgres", "SELECT pg_reload_conf()")
}

// Promote makes the standby a primary.
func (s *Server) Promote(tb testing.TB) {
	tb.Helper()
	Check(tb, s.run("pg_ctl", "promote", "-w", "-t", "300", "-D", s.data()))
}

// SQL runs statements by psql, in a database, and returns what it prints.
func (s *Server) SQL(tb testing.TB, database, sql string) string {
	tb.Helper()
	cmd := s.command("psql", "-h", s.dir, "-p", s.port, "-U", "sharing", "-d", database,
		"-v", "ON_ERROR_STOP=1", "-qAtc", sql)
	cmd.SysProcAttr = nil
	out, err := cmd.CombinedOutput()
	if err != nil {
		tb.Fatalf("psql: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// ListenTCP starts the server again, on a free TCP port of the loopback interface besides its socket.
func (s *Server) ListenTCP(tb testing.TB) {
	tb.Helper()
	s.Stop()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		s.port = strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
		err = free.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	s.tcp, s.settings = true, append(s.settings, "listen_addresses=127.0.0.1")
	s.Launch(tb)
}

// dial connects to the server, by TCP if it listens for that.
func (s *Server) dial() (net.Conn, error) {
	if s.tcp {
		return net.Dial("tcp", "127.0.0.1:"+s.port)
	}
	return net.Dial("unix", s.Socket())
}

// Socket is the path of the server's socket.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL."+s.port) }

// Host is what names the server in a DSN.
func (s *Server) Host() string { return s.dir }

// DSN names a database of the server.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("host=%s port=%s user=sharing dbname=%s sslmode=disable", s.dir, s.port, database)
}

// Log returns what the server has logged.
func (s *Server) Log(tb testing.TB) string {
	tb.Helper()
	log, err := os.ReadFile(s.log)
	if err != nil {
		tb.Fatal(err)
	}
	return string(log)
}
