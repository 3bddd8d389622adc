package etcdstore

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"
)

// A network carries bytes to servers, each of which is reached at a proxy of its own. What one host sends another can be
// held up, as when a cable is out: connections stay open, and what was sent arrives late, if the one it is for still listens.
type network struct {
	mu      sync.Mutex
	held    map[wire]bool
	changed chan struct{} // closed when held changes
	conns   map[net.Conn]bool
}

// A wire is one direction between two hosts, which are named by the URLs of their proxies. A client has none: it is "".
type wire struct{ from, to string }

func newNetwork(t testing.TB) *network {
	n := &network{held: make(map[wire]bool), changed: make(chan struct{}), conns: make(map[net.Conn]bool)}
	t.Cleanup(n.drop)
	return n
}

// proxy returns the URL of a proxy of the server at a URL.
func (n *network) proxy(t testing.TB, server string) string {
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	host := "http://" + l.Addr().String()
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go n.connect(client, at.Host, host)
		}
	}()
	return host
}

// hold holds up what the wires carry, or lets it go on.
func (n *network) hold(held bool, wires ...wire) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range wires {
		n.held[w] = held
	}
	close(n.changed)
	n.changed = make(chan struct{})
}

// await waits until w is not held up.
func (n *network) await(w wire) {
	for {
		n.mu.Lock()
		held, changed := n.held[w], n.changed
		n.mu.Unlock()
		if !held {
			return
		}
		<-changed
	}
}

// drop closes all connections, and lets all wires go on.
func (n *network) drop() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for conn := range n.conns {
		conn.Close()
	}
	clear(n.held)
	close(n.changed)
	n.changed = make(chan struct{})
}

// connect passes bytes between a client and a server, which host stands for, until either ends.
func (n *network) connect(client net.Conn, server, host string) {
	defer client.Close()
	conn, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer conn.Close()
	n.mu.Lock()
	n.conns[client], n.conns[conn] = true, true
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.conns, client)
		delete(n.conns, conn)
	}()
	var mu sync.Mutex
	var sender string // known from its first request on
	var both sync.WaitGroup
	both.Go(func() {
		n.pass(client, conn, func(sent []byte) wire {
			mu.Lock()
			defer mu.Unlock()
			if name, ok := senderOf(sent); ok {
				sender = name
			}
			return wire{sender, host}
		})
	})
	both.Go(func() {
		n.pass(conn, client, func([]byte) wire {
			mu.Lock()
			defer mu.Unlock()
			return wire{host, sender}
		})
	})
	both.Wait()
}

// pass passes bytes one way, along the wire that they belong to.
func (n *network) pass(from, to net.Conn, along func(sent []byte) wire) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 64<<10)
	for {
		size, err := from.Read(buf)
		if size > 0 {
			n.await(along(buf[:size]))
			if _, err := to.Write(buf[:size]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// senderOf returns the URL of the member that sent a request, which members of a cluster tell each other in a header.
func senderOf(request []byte) (string, bool) {
	_, after, _ := bytes.Cut(request, []byte("\r\nX-Peerurls: "))
	name, _, ok := bytes.Cut(after, []byte("\r\n"))
	return string(name), ok
}
