package torture

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
)

// A network makes real connections, whose operations meet faults: a planned one
// once, or any at random. The zero value is a good network.
type network struct {
	open atomic.Int64 // connections that were not closed

	mu   sync.Mutex // guards the rest
	plan plan
	rate float64 // of random faults
	dice *rand.Rand
	met  int // faults
}

// A plan is the fault that the nth operation of its kind meets.
type plan struct {
	fault *fault
	nth   int
	seen  int // operations of its kind
}

// expect lets the nth operation from now on meet f.
func (n *network) expect(f *fault, nth int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.plan, n.met = plan{fault: f, nth: nth}, 0
}

// storm lets operations meet faults at random.
func (n *network) storm(rate float64, seed uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rate, n.dice = rate, rand.New(rand.NewPCG(seed, 0))
}

// calm makes a good network of it again, and returns how many faults were met.
func (n *network) calm() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.plan, n.rate = plan{}, 0
	return n.met
}

// meets counts an operation, and returns the fault that it meets, if any.
func (n *network) meets(o op) *fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := n.planned(o)
	if f == nil {
		f = n.thrown(o)
	}
	if f != nil {
		n.met++
	}
	return f
}

func (n *network) planned(o op) *fault {
	p := &n.plan
	if p.fault == nil || p.fault.op != o {
		return nil
	}
	if p.seen++; p.seen != p.nth {
		return nil
	}
	return p.fault
}

func (n *network) thrown(o op) *fault {
	if n.rate == 0 || n.dice.Float64() >= n.rate {
		return nil
	}
	for {
		if f := &faults[n.dice.IntN(len(faults))]; f.op == o {
			return f
		}
	}
}

// Dial is for http.Transport.DialContext.
func (n *network) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if f := n.meets(dial); f != nil {
		return nil, f.err
	}
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	n.open.Add(1)
	return &conn{Conn: c, network: n}, nil
}

// A conn is a connection of a network. What has failed on it stays broken.
type conn struct {
	net.Conn
	network *network
	reading atomic.Pointer[fault] // what reading came upon
	writing atomic.Pointer[fault]
	closed  atomic.Bool
}

func (c *conn) Read(p []byte) (int, error) {
	if f := c.reading.Load(); f != nil {
		return 0, f.err
	}
	if f := c.network.meets(read); f != nil {
		c.fail(f, &c.reading)
		return 0, f.err
	}
	n, err := c.Conn.Read(p)
	if err != nil {
		return n, err
	}
	f := c.network.meets(arrival)
	if f == nil {
		return n, nil
	}
	c.fail(f, &c.reading)
	return f.done.of(n), f.err
}

func (c *conn) Write(p []byte) (int, error) {
	if f := c.writing.Load(); f != nil {
		return 0, f.err
	}
	f := c.network.meets(write)
	if f == nil {
		return c.Conn.Write(p)
	}
	n, _ := c.Conn.Write(p[:f.done.of(len(p))])
	c.fail(f, &c.writing)
	return n, f.err
}

// fail remembers f; if the connection is dead, the other side sees a reset.
func (c *conn) fail(f *fault, way *atomic.Pointer[fault]) {
	way.Store(f)
	if !f.dead {
		return
	}
	c.reading.Store(f)
	c.writing.Store(f)
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Conn.Close()
}

// Close is told of by the network once. That a dead connection is closed
// already is nobody's business.
func (c *conn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.network.open.Add(-1)
	}
	if err := c.Conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
