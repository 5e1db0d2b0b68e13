package transport

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestRetryLogsItsFourMoments(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []any
		verb  string
		want  []string
	}{
		{"it goes well at once", []any{200}, "GET", nil},
		{"it goes well later", []any{503, 200}, "GET", []string{
			`level=INFO msg=retrying operation="GET a.test" attempt=1 severity=high category=system delay=0s`,
			`level=INFO msg="succeeded after retry" operation="GET a.test" attempt=2 severity=low category=ok`,
		}},
		{"it does not", []any{503}, "GET", []string{
			`level=INFO msg=retrying operation="GET a.test" attempt=1 severity=high category=system delay=0s`,
			`level=INFO msg=retrying operation="GET a.test" attempt=2 severity=high category=system delay=0s`,
			`level=ERROR msg="gave up" operation="GET a.test" attempt=3 severity=high category=system reason=attempts`,
		}},
		{"it may not be sent again", []any{503}, "POST", []string{
			`level=WARN msg="not retried" operation="POST a.test" attempt=1 severity=high category=system reason=method`,
		}},
		{"it is nobody's failure", []any{404}, "GET", nil},
		{"the caller went away", []any{context.Canceled}, "GET", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			logger, lines := logTo()
			send(t, atOnce(Retry{Logger: logger}).Wrap(script(test.steps...)), newRequest(t, test.verb, "http://a.test/?key=secret", nil))
			if got := lines(); !slices.Equal(got, test.want) {
				t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestRetryLogsThatACheckFailed(t *testing.T) {
	logger, lines := logTo()
	send(t, atOnce(Retry{Logger: logger, Check: failing}).Wrap(script(503)), get(t, "http://a.test"))
	if got := strings.Join(lines(), "\n"); !strings.Contains(got, `msg="retry check failed"`) || strings.Contains(got, "boom") {
		t.Errorf("logged %s", got)
	}
}

// logTo returns a logger, and what it wrote, by lines, without the time.
func logTo() (*slog.Logger, func() []string) {
	var buf syncBuffer
	logger := slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	return logger, func() []string {
		if s := strings.TrimSpace(buf.String()); s != "" {
			return strings.Split(s, "\n")
		}
		return nil
	}
}
