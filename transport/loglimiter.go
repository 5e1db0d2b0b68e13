package transport

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/safetrip-go/safetrip/internal/table"
)

// A logLimiter holds log lines back: of each kind it lets linesPerSecond a
// second through its gate. The next one that passes tells how many were left out.
type logLimiter struct {
	kinds table.Table[lineKey, gate]
}

const linesPerSecond = 10

type lineKey struct {
	op       operation
	category Category
	message  string
}

type gate struct {
	mu      sync.Mutex // guards the rest
	second  int64
	lines   int // in this second
	leftOut int // since the last line that passed
}

// log writes a line unless there were too many of its kind.
func (l *logLimiter) log(ctx context.Context, to *slog.Logger, level slog.Level, k lineKey, attrs func() []slog.Attr) {
	if to == nil || !to.Enabled(ctx, level) {
		return
	}
	g := l.kinds.GetOrAdd(k, func() (lineKey, *gate) { return lineKey{k.op.clone(), k.category, k.message}, new(gate) })
	leftOut, ok := g.pass(time.Now().Unix())
	if !ok {
		return
	}
	a := attrs()
	if leftOut > 0 {
		a = append(a, slog.Int("left_out", leftOut))
	}
	to.LogAttrs(ctx, level, k.message, a...) //nolint:sloglint // messages are constants; they are part of the key
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
