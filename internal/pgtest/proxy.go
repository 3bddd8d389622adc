package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Proxy stands between a store and its server. It counts round trips, and cuts connections where it is told to.
type Proxy struct {
	server   *Server
	listener net.Listener
	port     int

	mu    sync.Mutex
	trips int
	bytes [2]int // by direction, since the last Cut
	cut   *Cut
	away  bool
}

// A Direction is that of bytes on their way.
type Direction int

// The directions of bytes: from the store to the server, and back.
const (
	Up Direction = iota
	Down
)

// A Cut says where a connection is to be cut: when After bytes have gone in a direction, or before a text.
type Cut struct {
	Direction Direction
	After     int
	Before    string
	// Late delivers to the server, a moment after the store has lost the connection, what the store had sent.
	Late bool
	// Away refuses all connections from then on, until Back.
	Away bool
	// Gone tells the server nothing, as when the store's machine loses power. The server has to listen for TCP.
	Gone bool
	Then func() // called when the cut is made, if not nil
}

// NewProxy starts a proxy, which ends with the test.
func NewProxy(tb testing.TB, server *Server) *Proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = listener.Close() })
	p := &Proxy{server: server, listener: listener, port: listener.Addr().(*net.TCPAddr).Port}
	go p.accept()
	return p
}

// DSN names a database of the server, by way of the proxy.
func (p *Proxy) DSN(database string) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=sharing dbname=%s sslmode=disable", p.port, database)
}

// Trips returns how often the store has sent something since it last heard from the server, and sets the count to 0.
func (p *Proxy) Trips() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.trips
	p.trips = 0
	return n
}

// Bytes returns how many bytes have gone in a direction since the last Cut.
func (p *Proxy) Bytes(d Direction) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes[d]
}

// Cut cuts the connection by which the bytes go that it counts from now on. nil cuts none, and only counts.
func (p *Proxy) Cut(cut *Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.bytes = cut, [2]int{}
}

// Back accepts connections again.
func (p *Proxy) Back() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = false
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		away := p.away
		p.mu.Unlock()
		server, err := p.server.dial()
		if err != nil || away {
			_ = client.Close()
			if err == nil {
				_ = server.Close()
			}
			continue
		}
		c := &connection{proxy: p, client: client, server: server}
		go c.pump(Up, client, server)
		go c.pump(Down, server, client)
	}
}

// A connection goes through the proxy.
type connection struct {
	proxy          *Proxy
	client, server net.Conn
	answered       bool // guarded by proxy.mu: the last bytes came from the server
}

func (c *connection) pump(d Direction, from, to net.Conn) {
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			pass, cut := c.count(d, buf[:n])
			_, wrong := to.Write(buf[:pass])
			if cut != nil {
				c.sever(cut, buf[pass:n])
				return
			}
			if wrong != nil {
				err = wrong
			}
		}
		if err != nil {
			_ = c.client.Close()
			_ = c.server.Close()
			return
		}
	}
}

// count notes some bytes, and returns how many of them may pass, and the cut that follows.
func (c *connection) count(d Direction, some []byte) (int, *Cut) {
	n := len(some)
	p := c.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	if d == Up && c.answered {
		p.trips++
	}
	c.answered = d == Down
	before := p.bytes[d]
	p.bytes[d] += n
	cut := p.cut
	if cut == nil || cut.Direction != d {
		return n, nil
	}
	pass := cut.After - before
	if cut.Before != "" {
		pass = bytes.Index(some, []byte(cut.Before))
	}
	if pass < 0 || pass >= n {
		return n, nil
	}
	p.cut, p.away = nil, cut.Away
	return pass, cut
}

// delay is how long what is late takes.
const delay = 30 * time.Millisecond

// sever ends the connection; rest is what was not passed on.
func (c *connection) sever(cut *Cut, rest []byte) {
	if cut.Gone {
		vanish(c.server.(*net.TCPConn))
	}
	_ = c.client.Close()
	if cut.Then != nil {
		cut.Then()
	}
	if cut.Late {
		time.Sleep(delay)
		_, _ = c.server.Write(rest)
		time.Sleep(delay)
	}
	_ = c.server.Close()
}

// CanVanish checks that a connection can end untold, which Linux permits to root.
func CanVanish(tb testing.TB) {
	tb.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		tb.Fatal(err)
	}
	defer syscall.Close(fd)
	if syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, tcpRepair, 1) != nil {
		Check(tb, errNoVanishing)
	}
}

var errNoVanishing = errors.New("no connection may end untold: run the test as root on Linux to lose a machine")

// tcpRepair is TCP_REPAIR, which the syscall package lacks: a socket that is closed in this mode sends nothing.
const tcpRepair = 19

// delayedAck is the longest time that Linux keeps back the acknowledgement of what it received.
const delayedAck = 200 * time.Millisecond

// vanish ends a connection untold. It waits for the acknowledgement of what was sent: if that found nobody, the server
// would be told.
func vanish(conn *net.TCPConn) {
	time.Sleep(2 * delayedAck)
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpRepair, 1) })
	}
	_ = conn.Close()
}
