package transport

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/internal/table"
)

// A flood holds log lines back: of each kind it lets linesPerSecond a second
// through its gate. The next one that passes tells how many were left out.
type flood struct {
	kinds table.Table[floodKey, gate]
}

const linesPerSecond = 10

type floodKey struct {
	op       operation
	category Category
	moment   string
}

type gate struct {
	mu      sync.Mutex // guards the rest
	second  int64
	lines   int // in this second
	leftOut int // since the last line that passed
}

// log writes a line to l unless there were too many of its kind.
func (f *flood) log(ctx context.Context, l *slog.Logger, level slog.Level, k floodKey, attrs func() []slog.Attr) {
	if l == nil || !l.Enabled(ctx, level) {
		return
	}
	g := f.kinds.GetOrAdd(k, func() (floodKey, *gate) { return floodKey{k.op.clone(), k.category, k.moment}, new(gate) })
	leftOut, ok := g.pass(time.Now().Unix())
	if !ok {
		return
	}
	a := attrs()
	if leftOut > 0 {
		a = append(a, slog.Int("left_out", leftOut))
	}
	l.LogAttrs(ctx, level, k.moment, a...) //nolint:sloglint // moments are constants; they are part of the key
}

func (g *gate) pass(second int64) (leftOut int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.second != second {
		g.second, g.lines = second, 0
	}
	if g.lines == linesPerSecond {
		g.leftOut++
		return 0, false
	}
	g.lines++
	leftOut, g.leftOut = g.leftOut, 0
	return leftOut, true
}
