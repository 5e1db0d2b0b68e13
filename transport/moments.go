package transport

import (
	"log/slog"
	"time"
)

// moments logs what happens in [Retry]: that it retries, that a retry went
// well, that a failure is not one to retry, that it gave up.
type moments struct{ flood flood }

func (m *moments) retrying(t *trial, wait time.Duration) {
	m.line(t, slog.LevelInfo, "retrying", slog.Duration("delay", wait))
}

func (m *moments) succeeded(t *trial) {
	m.line(t, slog.LevelInfo, "succeeded after retry")
}

func (m *moments) checkFailed(t *trial, err error) {
	m.line(t, slog.LevelWarn, "retry check failed", slog.String("error", describe(err)))
}

// gaveUp does not speak of a caller who went away, nor of answers that are
// nobody's failure, such as a 404.
func (m *moments) gaveUp(t *trial, why Reason) {
	switch {
	case why == ReasonCanceled || t.verdict.Outcome == Success:
	case t.number == 1:
		m.line(t, slog.LevelWarn, "not retried", slog.String("reason", string(why)))
	default:
		m.line(t, slog.LevelError, "gave up", slog.String("reason", string(why)))
	}
}

func (m *moments) line(t *trial, level slog.Level, moment string, more ...slog.Attr) {
	if t.Logger == nil {
		return
	}
	op, v, number := operationOf(t.req), t.verdict, t.number
	m.flood.log(t.req.Context(), t.Logger, level, floodKey{op, v.Category, moment}, func() []slog.Attr {
		return append([]slog.Attr{
			slog.String("operation", op.String()),
			slog.Int("attempt", number),
			slog.String("severity", v.Severity.String()),
			slog.String("category", v.Category.String()),
		}, more...)
	})
}
