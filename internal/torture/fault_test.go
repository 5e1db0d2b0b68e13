package torture

import (
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/safetrip-go/safetrip/transport"
)

// An op is something that is done to a socket.
type op string

const (
	dial    op = "dial"
	read    op = "read"    // before there are bytes to be read
	arrival op = "arrival" // when there are
	write   op = "write"
)

// A fault is a way in which an operation can fail.
type fault struct {
	op   op
	name string
	err  error
	done share // what is done of the operation all the same
	dead bool  // the connection is gone with it, for both sides

	lasting  bool // it would be there the next time too
	category transport.Category
}

// A share is how much of an operation is done before it fails, in halves.
type share uint8

const (
	half share = iota + 1
	whole
)

func (s share) of(n int) int { return n * int(s) / 2 }

// faults are all of them.
var faults = []fault{
	{op: dial, name: "refused", err: systemError(dial, syscall.ECONNREFUSED), category: transport.Network},
	{op: dial, name: "no route", err: systemError(dial, syscall.EHOSTUNREACH), category: transport.Network},
	{op: dial, name: "timed out", err: opError(dial, os.ErrDeadlineExceeded), category: transport.TimedOut},
	{op: dial, name: "the name server fails", err: opError(dial, &net.DNSError{Err: "server misbehaving", Name: "x.test", IsTemporary: true}), category: transport.Network},
	{op: dial, name: "the name server is silent", err: opError(dial, &net.DNSError{Err: "i/o timeout", Name: "x.test", IsTimeout: true}), category: transport.TimedOut},
	{op: dial, name: "no such host", err: opError(dial, &net.DNSError{Err: "no such host", Name: "x.test", IsNotFound: true}), lasting: true, category: transport.Network},
	{op: dial, name: "no descriptor left", err: systemError(dial, syscall.EMFILE), lasting: true, category: transport.System},

	{op: read, name: "reset", err: systemError(read, syscall.ECONNRESET), dead: true, category: transport.Network},
	{op: read, name: "end", err: io.EOF, category: transport.Network},
	{op: read, name: "timed out", err: opError(read, os.ErrDeadlineExceeded), category: transport.TimedOut},

	{op: arrival, name: "reset", err: systemError(read, syscall.ECONNRESET), dead: true, category: transport.Network},
	{op: arrival, name: "reset in the middle", err: systemError(read, syscall.ECONNRESET), done: half, dead: true, category: transport.Network},
	{op: arrival, name: "end", err: io.EOF, category: transport.Network},
	{op: arrival, name: "end in the middle", err: io.EOF, done: half, category: transport.Network},
	{op: arrival, name: "timed out in the middle", err: opError(read, os.ErrDeadlineExceeded), done: half, category: transport.TimedOut},

	{op: write, name: "reset", err: systemError(write, syscall.ECONNRESET), dead: true, category: transport.Network},
	{op: write, name: "broken pipe", err: systemError(write, syscall.EPIPE), category: transport.Network},
	{op: write, name: "short", err: opError(write, io.ErrShortWrite), done: half, category: transport.Network},
	{op: write, name: "reset in the middle", err: systemError(write, syscall.ECONNRESET), done: half, dead: true, category: transport.Network},
	{op: write, name: "broken pipe after all was sent", err: systemError(write, syscall.EPIPE), done: whole, category: transport.Network},
	{op: write, name: "timed out", err: opError(write, os.ErrDeadlineExceeded), category: transport.TimedOut},
	{op: write, name: "no buffer left", err: systemError(write, syscall.ENOBUFS), lasting: true, category: transport.System},
}

func systemError(o op, errno syscall.Errno) error {
	return opError(o, os.NewSyscallError(string(o), errno))
}

func opError(o op, err error) error { return &net.OpError{Op: string(o), Net: "tcp", Err: err} }

// is reports whether c is a true category of what comes of the fault. Of a
// connection that breaks, either side of net/http may be the first to tell: the
// one that met the fault, the one that found it closed, or the one that had an
// answer half-way.
func (f *fault) is(c transport.Category) bool {
	return c == f.category || f.op != dial && (c == transport.Network || c == transport.Data)
}

// at names the fault and the operation that meets it.
func (f *fault) at(nth int) string { return fmt.Sprintf("%s %d: %s", f.op, nth, f.name) }
