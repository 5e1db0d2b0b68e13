package transport

import (
	"log/slog"
	"time"
)

// A retryLog logs what happens in [Retry]: that it retries, that a retry went
// well, that a failure is not one to retry, that it gave up.
type retryLog struct{ limiter logLimiter }

func (l *retryLog) retrying(s *sequence, wait time.Duration) {
	l.line(s, slog.LevelInfo, "retrying", slog.Duration("delay", wait))
}

func (l *retryLog) succeeded(s *sequence) {
	l.line(s, slog.LevelInfo, "succeeded after retry")
}

func (l *retryLog) checkFailed(s *sequence, err error) {
	l.line(s, slog.LevelWarn, "retry check failed", slog.String("error", describe(err)))
}

// gaveUp does not speak of a caller who went away, nor of answers that are
// nobody's failure, such as a 404.
func (l *retryLog) gaveUp(s *sequence, why Reason) {
	switch {
	case why == ReasonCanceled || s.verdict.Outcome == Success:
	case s.number == 1:
		l.line(s, slog.LevelWarn, "not retried", slog.String("reason", string(why)))
	default:
		l.line(s, slog.LevelError, "gave up", slog.String("reason", string(why)))
	}
}

func (l *retryLog) line(s *sequence, level slog.Level, message string, more ...slog.Attr) {
	if s.Logger == nil {
		return
	}
	op, v, number := operationOf(s.req), s.verdict, s.number
	l.limiter.log(s.req.Context(), s.Logger, level, lineKey{op, v.Category, message}, func() []slog.Attr {
		return append([]slog.Attr{
			slog.String("operation", op.String()),
			slog.Int("attempt", number),
			slog.String("severity", v.Severity.String()),
			slog.String("category", v.Category.String()),
		}, more...)
	})
}
