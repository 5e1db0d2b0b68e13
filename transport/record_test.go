package transport

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRecordCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Stats
		steps := []any{200, 404, 503, errRefused, 429, context.Canceled, 500}
		rt := Record{Stats: &s}.Wrap(script(steps...))
		for range steps {
			time.Sleep(time.Second)
			send(t, rt, get(t, "http://a.test"))
		}
		got := s.Traffic()
		if got.Total != 7 || got.Succeeded != 2 || got.Failed != 3 || got.Neutral != 2 || got.InFlight != 0 {
			t.Errorf("the totals are %+v", got)
		}
		if !got.Last.Equal(time.Now()) {
			t.Errorf("the last call was at %v, want %v", got.Last, time.Now())
		}
		want := map[string]uint64{"data_medium": 1, "system_high": 2, "network_medium": 1, "rate_limit_medium": 1, "canceled_low": 1}
		if !maps.Equal(got.Errors, want) {
			t.Errorf("the errors are %v, want %v", got.Errors, want)
		}
		if got.Window.Total != 5 || got.Window.Failed != 3 || got.Window.ErrorRate() != 0.6 {
			t.Errorf("the window is %+v", got.Window)
		}
	})
}

func TestRecordCountsConsecutiveFailures(t *testing.T) {
	var s Stats
	rt := Record{Stats: &s}.Wrap(script(503, 503, 429, 503, 200, 503, 503))
	call := func(operation string) int {
		req := get(t, "http://a.test")
		key := "GET a.test"
		if operation != "" {
			req, key = req.WithContext(WithOperation(req.Context(), operation)), operation
		}
		send(t, rt, req)
		return s.Traffic().Consecutive[key]
	}
	for i, want := range []int{1, 2, 2, 3, 0, 1} {
		if got := call(""); got != want {
			t.Errorf("after call %d: %d in a row, want %d", i+1, got, want)
		}
	}
	send(t, Record{Stats: &s}.Wrap(script(200)), get(t, "http://a.test"))
	if got := s.Traffic().Consecutive; len(got) != 0 {
		t.Errorf("after a success there are %v, want none", got)
	}
	send(t, rt, get(t, "http://a.test"))
	if got := call("load user"); got != 1 {
		t.Errorf("another operation has %d in a row, want 1 of its own", got)
	}
	if got := s.Traffic().Consecutive; len(got) != 2 {
		t.Errorf("there are %v", got)
	}
}

func TestConsecutiveFailuresThatNobodyAddsToAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Stats
		rt := Record{Stats: &s}.Wrap(script(503))
		for i, step := range []struct{ wait, want int }{{0, 1}, {599, 2}, {599, 3}, {1200, 4}} {
			time.Sleep(time.Duration(step.wait) * time.Second)
			send(t, rt, get(t, "http://a.test"))
			if got := s.Traffic().Consecutive["GET a.test"]; got != step.want {
				t.Errorf("after call %d: %d in a row, want %d", i+1, got, step.want)
			}
		}
		time.Sleep(10 * time.Minute)
		if got := s.Traffic().Consecutive; len(got) != 0 {
			t.Errorf("10 minutes later there are %v, want none", got)
		}
	})
}

func TestRecordCountsAPanic(t *testing.T) {
	var s Stats
	rt := Record{Stats: &s}.Wrap(Func(func(*http.Request) (*http.Response, error) {
		if got := s.Traffic().InFlight; got != 1 {
			t.Errorf("%d calls are in flight, want 1", got)
		}
		panic("base")
	}))
	if got := mustPanic(t, func() { rt.RoundTrip(get(t, "http://a.test")) }); got != "base" {
		t.Errorf("the panic is %v", got)
	}
	if got := s.Traffic(); got.Failed != 1 || got.InFlight != 0 || got.Errors["system_high"] != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestRecordOfACallThatNeverLeft(t *testing.T) {
	var s Stats
	ctx, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	send(t, Record{Stats: &s}.Wrap(new(http.Transport)), get(t, "http://a.test").WithContext(ctx))
	if got := s.Traffic(); got.Failed != 0 || got.Neutral != 1 {
		t.Errorf("a deadline that was over before counts as the service's failure: %+v", got)
	}
}

func TestRecordOutsideRetryCountsCalls(t *testing.T) {
	var s Stats
	send(t, Chain(script(503, 503, 200), Record{Stats: &s}.Wrap, atOnce(Retry{}).Wrap), get(t, "http://a.test"))
	if got := s.Traffic(); got.Total != 1 || got.Succeeded != 1 {
		t.Errorf("got %+v, want one call that went well", got)
	}
}

func TestRecordLogs(t *testing.T) {
	for _, test := range []struct {
		name string
		step any
		want string
	}{
		{"what goes well is not logged", 200, ""},
		{"validation is low", 422, `level=INFO msg="call failed" operation="GET a.test" host=a.test severity=low category=validation recoverable=true message="422 Unprocessable Entity"`},
		{"what is missing is medium", 404, `level=WARN msg="call failed" operation="GET a.test" host=a.test severity=medium category=data recoverable=false message="404 Not Found"`},
		{"the network is medium", errRefused, `level=WARN msg="call failed" operation="GET a.test" host=a.test severity=medium category=network recoverable=true message="dial: connection refused"`},
		{"a server error is high", 503, `level=ERROR msg="call failed" operation="GET a.test" host=a.test severity=high category=system recoverable=true message="503 Service Unavailable"`},
		{"the caller's cancel is no news", context.Canceled, `level=DEBUG msg="call failed" operation="GET a.test" host=a.test severity=low category=canceled recoverable=false message="context canceled"`},
		{"a status without a name", 599, `level=ERROR msg="call failed" operation="GET a.test" host=a.test severity=high category=system recoverable=true message=599`},
	} {
		logger, lines := logTo()
		send(t, Record{Logger: logger}.Wrap(script(test.step)), get(t, "http://u:secret@a.test/?key=secret"))
		if got := strings.Join(lines(), "\n"); got != test.want {
			t.Errorf("%s: logged\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

func TestRecordLogsNoFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, lines := logTo()
		rt := Record{Logger: logger}.Wrap(script(503))
		for range 1000 {
			send(t, rt, get(t, "http://a.test"))
		}
		if got := len(lines()); got != 10 {
			t.Errorf("1000 failures in a second are %d lines, want 10", got)
		}
		for range 3 {
			send(t, rt, get(t, "http://b.test"))
		}
		if got := len(lines()); got != 13 {
			t.Errorf("another operation has %d lines, want 3 of its own", got-10)
		}
		time.Sleep(time.Second)
		send(t, rt, get(t, "http://a.test"))
		send(t, rt, get(t, "http://a.test"))
		got := lines()[13:]
		if len(got) != 2 || !strings.HasSuffix(got[0], " left_out=990") || strings.Contains(got[1], "left_out") {
			t.Errorf("a second later it logs\n%s\nwant the first one to say that 990 were left out", strings.Join(got, "\n"))
		}
	})
}

func TestRecordAsksNobodyWhoDoesNotListen(t *testing.T) {
	logger := slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	rt := Record{Logger: logger}.Wrap(Func(func(*http.Request) (*http.Response, error) { return nil, io.EOF }))
	req := get(t, "http://a.test")
	if n := testing.AllocsPerRun(100, func() { rt.RoundTrip(req) }); n != 0 {
		t.Errorf("a line that nobody wants costs %v allocations", n)
	}
}

func TestRecordHasAClassifier(t *testing.T) {
	var s Stats
	all := func(*http.Request, *http.Response, error) Verdict { return ownDeadline }
	send(t, Record{Stats: &s, Classifier: all}.Wrap(script(200)), get(t, "http://a.test"))
	if got := s.Traffic(); got.Failed != 1 {
		t.Errorf("got %+v", got)
	}
}
