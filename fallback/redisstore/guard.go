package redisstore

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// A guard is a connection to Redis on which no reply may announce more than
// there may be. Go-redis takes an announced length at its word and allocates
// that much before the first byte is there: whoever answers in Redis' place,
// or out of step, could end the program.
//
// It follows the protocol as far as that takes: lines, and the strings that
// have a length. https://redis.io/docs/latest/develop/reference/protocol-spec/
type guard struct {
	net.Conn
	limit int // of a string's length
	line  []byte
	skip  int // bytes of a string that are still to come
}

const (
	maxLine  = 64 << 10 // an error or a number is a line
	maxItems = 1 << 16  // of an array or a map: HELLO and CLUSTER SLOTS have some
)

var errReply = errors.New("redisstore: a reply of Redis is malformed, or larger than there may be")

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if !g.follow(p[:n]) {
		return 0, errReply
	}
	return n, err
}

// follow reports whether the next bytes are what may come.
func (g *guard) follow(p []byte) bool {
	for len(p) > 0 {
		if g.skip > 0 {
			n := min(g.skip, len(p))
			g.skip, p = g.skip-n, p[n:]
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			g.line = append(g.line, p...)
			return len(g.line) <= maxLine
		}
		g.line = append(g.line, p[:end]...)
		p = p[end+1:]
		if len(g.line) > maxLine || !g.announces(bytes.TrimSuffix(g.line, []byte("\r"))) {
			return false
		}
		g.line = g.line[:0]
	}
	return true
}

// announces takes in a line that is whole.
func (g *guard) announces(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	switch line[0] {
	case '$', '=', '!': // strings
		n, err := strconv.Atoi(string(line[1:]))
		if err != nil || n < -1 || n > g.limit {
			return false
		}
		if n >= 0 {
			g.skip = n + len("\r\n")
		}
	case '*', '~', '%', '>', '|': // arrays, sets, maps, pushes, attributes
		n, err := strconv.Atoi(string(line[1:]))
		return err == nil && n >= -1 && n <= maxItems
	}
	return true
}

// guarded returns a dialer whose connections are guarded: the options' own, or
// one as go-redis has it.
func guarded(o *redis.UniversalOptions, limit int) func(context.Context, string, string) (net.Conn, error) {
	dial := o.Dialer
	if dial == nil {
		plain := &net.Dialer{Timeout: o.DialTimeout, KeepAlive: 5 * time.Minute}
		dial = plain.DialContext
		if o.TLSConfig != nil {
			dial = (&tls.Dialer{NetDialer: plain, Config: o.TLSConfig}).DialContext
		}
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		g := &guard{Conn: conn, limit: limit}
		if raw, ok := conn.(syscall.Conn); ok {
			return rawGuard{g, raw}, nil
		}
		return g, nil
	}
}

// A rawGuard lets go-redis look whether an idle connection was closed, as that
// of a Redis which was started anew: at the socket, which TLS has to hide.
type rawGuard struct {
	*guard
	syscall.Conn
}
