package fallback_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

func answering(name string) fallback.Step {
	return fallback.Step{Name: name, Do: func(req *http.Request, _ transport.Verdict) (*http.Response, error) {
		return response(req, 200, "", name), nil
	}}
}

func failing(name string, err error) fallback.Step {
	return fallback.Step{Name: name, Do: func(*http.Request, transport.Verdict) (*http.Response, error) { return nil, err }}
}

func TestWhatTheLadderStepsDownFor(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, row := range []struct {
		does   string
		status int
		err    error
		want   bool
	}{
		{"200", 200, nil, false},
		{"a redirect", 302, nil, false},
		{"500: system", 500, nil, true},
		{"503: system", 503, nil, true},
		{"504: timeout", 504, nil, true},
		{"408: timeout", 408, nil, true},
		{"429: rate_limit", 429, nil, true},
		{"refused: network", 0, refused, true},
		{"a timeout", 0, &transport.TimeoutError{}, true},
		{"an open circuit", 0, &transport.OpenError{Key: "x"}, true},
		{"a cut answer: data, and a failure", 0, io.ErrUnexpectedEOF, true},
		{"404: data, but an answer", 404, nil, false},
		{"401: auth", 401, nil, false},
		{"407: auth", 407, nil, false},
		{"400: validation", 400, nil, false},
		{"422: validation", 422, nil, false},
		{"403: business_logic", 403, nil, false},
		{"an error that nobody knows", 0, errDown, false},
		{"canceled", 0, context.Canceled, false},
	} {
		t.Run(row.does, func(t *testing.T) {
			o := new(origin)
			o.does(func(req *http.Request) (*http.Response, error) {
				if row.err != nil {
					return nil, row.err
				}
				return response(req, row.status, "", "the service"), nil
			})
			rt := (&fallback.Ladder{Steps: []fallback.Step{answering("step")}}).Wrap(o)
			_, body := get(t, rt, "http://example.com/", "")
			if got := body == "step"; got != row.want {
				t.Errorf("stepped down: %v, want %v (%q)", got, row.want, body)
			}
			if row.want && row.err == nil && o.closed != 1 {
				t.Errorf("the response that was given up was closed %d times", o.closed)
			}
		})
	}
}

func TestAUsersClassifierRules(t *testing.T) {
	o := new(origin)
	o.says(200, "", "sorry")
	l := &fallback.Ladder{
		Steps: []fallback.Step{answering("step")},
		Classifier: func(*http.Request, *http.Response, error) transport.Verdict {
			return transport.Verdict{Outcome: transport.Failed, Category: transport.System}
		},
	}
	if _, body := get(t, l.Wrap(o), "http://example.com/", ""); body != "step" {
		t.Errorf("got %q", body)
	}
}

func TestSteps(t *testing.T) {
	first := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	dead := func(o *origin) { o.does(func(*http.Request) (*http.Response, error) { return nil, first }) }
	for does, test := range map[string]func(t *testing.T){
		"are asked in their order, and no further than the first answer": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			dead(o)
			l := &fallback.Ladder{Steps: []fallback.Step{failing("one", errors.New("x")), answering("two"), answering("three")}}
			if resp, body := get(t, l.Wrap(o), "http://example.com/", ""); body != "two" || resp.Header.Get("Cache-Status") != "safetrip; fwd=miss; detail=two" {
				t.Errorf("got %q, %v", body, resp.Header)
			}
		},
		"are given the request and the verdict": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			o.says(429, "Retry-After: 7", "")
			var got transport.Verdict
			l := &fallback.Ladder{Steps: []fallback.Step{{Name: "spy", Do: func(req *http.Request, v transport.Verdict) (*http.Response, error) {
				got = v
				return nil, fallback.ErrNoAnswer
			}}}}
			get(t, l.Wrap(o), "http://example.com/", "")
			if got.Category != transport.RateLimit || got.Hint.After != 7*time.Second {
				t.Errorf("got %+v", got)
			}
		},
		"that have no answer leave the first error as it was": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			dead(o)
			l := &fallback.Ladder{Steps: []fallback.Step{failing("one", fallback.ErrNoAnswer), failing("two", nil)}}
			if _, err := l.Wrap(o).RoundTrip(request(t, "GET", "http://example.com/", "")); err != error(first) { // the very same
				t.Errorf("got %v", err)
			}
		},
		"that fail have their errors joined to the first": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			dead(o)
			second := errors.New("second")
			l := &fallback.Ladder{Steps: []fallback.Step{failing("one", second), failing("two", context.Canceled)}}
			_, err := l.Wrap(o).RoundTrip(request(t, "GET", "http://example.com/", ""))
			e, ok := errors.AsType[*fallback.Error](err)
			if !ok || !errors.Is(e.First, first) || len(e.Steps) != 2 || !errors.Is(err, second) || !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("got %v", err)
			}
			if v := transport.Classify(request(t, "GET", "http://example.com/", ""), nil, err); v.Category != transport.Network {
				t.Errorf("a step that was canceled makes the call %v", v.Category)
			}
			if want := `fallback: dial: connection refused; fallback: step "one": second; fallback: step "two": context canceled`; err.Error() != want {
				t.Errorf("it says %q", err)
			}
		},
		"that fail keep a timeout a timeout": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			o.does(func(*http.Request) (*http.Response, error) { return nil, &transport.TimeoutError{} })
			l := &fallback.Ladder{Steps: []fallback.Step{failing("one", errors.New("x"))}}
			_, err := (&http.Client{Transport: l.Wrap(o)}).Do(request(t, "GET", "http://example.com/", ""))
			if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() {
				t.Errorf("got %v", err)
			}
		},
		"that fail leave the response readable": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			o.says(503, "Retry-After: 1", "the reason")
			l := &fallback.Ladder{Steps: []fallback.Step{failing("one", errors.New("x"))}}
			if resp, body := get(t, l.Wrap(o), "http://example.com/", ""); resp.StatusCode != http.StatusServiceUnavailable || body != "the reason" || resp.Header.Get("Retry-After") != "1" {
				t.Errorf("got %d %q", resp.StatusCode, body)
			}
		},
		"that return both have their response closed": func(t *testing.T) {
			t.Helper()
			o, both := new(origin), new(origin)
			dead(o)
			l := &fallback.Ladder{Steps: []fallback.Step{{Name: "both", Do: func(req *http.Request, _ transport.Verdict) (*http.Response, error) {
				both.says(200, "", "x")
				resp, _ := both.RoundTrip(req)
				return resp, errors.New("x")
			}}}}
			if _, err := l.Wrap(o).RoundTrip(request(t, "GET", "http://example.com/", "")); err == nil || both.closed != 1 {
				t.Errorf("got %v, closed %d times", err, both.closed)
			}
		},
		"that panic leave nothing open": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			o.says(503, "", "x")
			l := &fallback.Ladder{Steps: []fallback.Step{{Name: "boom", Do: func(*http.Request, transport.Verdict) (*http.Response, error) { panic("boom") }}}}
			defer func() {
				if recover() != "boom" || o.closed != 1 {
					t.Errorf("closed %d times", o.closed)
				}
			}()
			get(t, l.Wrap(o), "http://example.com/", "")
		},
		"are not asked once the caller has left": func(t *testing.T) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o := new(origin)
			o.says(503, "", "x")
			l := &fallback.Ladder{Steps: []fallback.Step{{Name: "leaves", Do: func(*http.Request, transport.Verdict) (*http.Response, error) {
				cancel()
				return nil, errors.New("interrupted")
			}}, answering("late")}}
			resp, err := l.Wrap(o).RoundTrip(request(t, "GET", "http://example.com/", "").WithContext(ctx))
			if resp != nil || !errors.Is(err, context.Canceled) || o.closed != 1 {
				t.Errorf("got %v, %v; closed %d times", resp, err, o.closed)
			}
		},
		"answer with what they leave out filled in": func(t *testing.T) {
			t.Helper()
			o := new(origin)
			dead(o)
			l := &fallback.Ladder{Steps: []fallback.Step{{Name: "bare minimum", Do: func(*http.Request, transport.Verdict) (*http.Response, error) {
				return &http.Response{}, nil
			}}}}
			req := request(t, "GET", "http://example.com/", "")
			resp, err := l.Wrap(o).RoundTrip(req)
			if err != nil || resp.StatusCode != http.StatusOK || resp.Status != "200 OK" || resp.Request != req || resp.Body == nil {
				t.Fatalf("got %+v, %v", resp, err)
			}
			if got := resp.Header.Get("Cache-Status"); got != `safetrip; fwd=miss; detail="bare minimum"` {
				t.Errorf("Cache-Status: %q", got)
			}
		},
	} {
		t.Run(does, test)
	}
}

func TestAGivenUpResponseIsDrainedWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := 0
		o := new(origin)
		o.does(func(req *http.Request) (*http.Response, error) {
			resp := response(req, 503, "", "")
			pr, pw := io.Pipe()
			go func() { // it dribbles without end
				for {
					n, err := pw.Write([]byte("."))
					if read += n; err != nil {
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
			}()
			resp.Body, resp.ContentLength = pr, -1
			return resp, nil
		})
		start := time.Now()
		l := &fallback.Ladder{Steps: []fallback.Step{answering("step")}}
		get(t, l.Wrap(o), "http://example.com/", "")
		if took := time.Since(start); took > 50*time.Millisecond || o.closed != 1 {
			t.Errorf("it took %v, %d bytes read, closed %d times", took, read, o.closed)
		}
		time.Sleep(time.Second)
	})
}

func TestLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []string
		answers := true
		l := &fallback.Ladder{Name: "users"}
		l.Steps = []fallback.Step{{Name: "step", Do: func(req *http.Request, _ transport.Verdict) (*http.Response, error) {
			if !answers {
				return nil, fallback.ErrNoAnswer
			}
			return response(req, 200, "", "step"), nil
		}}}
		l.OnChange = func(s transport.LadderState) {
			l.States() // may be called here
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprint(s.Ladder, " ", s.Key, " ", s.Level, " ", s.Reason, " ", s.Since.Second()))
		}
		o := new(origin)
		rt := l.Wrap(o)
		call := func(status int) {
			time.Sleep(time.Second)
			o.says(status, "", "")
			get(t, rt, "http://EXAMPLE.com:80/", "")
		}
		level := func() transport.Level {
			if s := l.States(); len(s) == 1 {
				return s[0].Level
			}
			return transport.Full
		}
		for i, step := range []struct {
			status  int
			answers bool
			want    transport.Level
		}{
			{200, true, transport.Full},
			{503, true, transport.Degraded},
			{429, true, transport.Degraded},
			{404, true, transport.Full}, // the service is there
			{503, true, transport.Degraded},
			{401, true, transport.Degraded}, // says nothing
			{503, false, transport.Degraded},
			{503, false, transport.Degraded},
			{503, false, transport.Offline},
			{503, false, transport.Offline},
			{503, true, transport.Degraded},
			{503, false, transport.Degraded}, // counted anew
			{503, false, transport.Degraded},
			{200, false, transport.Full},
			{503, false, transport.Full},
			{503, false, transport.Full},
			{200, false, transport.Full},
			{503, false, transport.Full},
			{503, false, transport.Full},
			{503, false, transport.Offline},
			{200, false, transport.Full},
		} {
			answers = step.answers
			call(step.status)
			if got := level(); got != step.want {
				t.Errorf("call %d, a %d: %v, want %v", i, step.status, got, step.want)
			}
		}
		want := []string{
			"users http://example.com degraded system 2",
			"users http://example.com full rate_limit 4",
			"users http://example.com degraded system 5",
			"users http://example.com offline system 9",
			"users http://example.com degraded system 11",
			"users http://example.com full system 14",
			"users http://example.com offline system 20",
			"users http://example.com full system 21",
		}
		if !slices.Equal(told, want) {
			t.Errorf("told:\n%s", strings.Join(told, "\n"))
		}
	})
}

func TestALevelThatNoCallTellsOfIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := new(origin)
		o.says(503, "", "")
		l := new(fallback.Ladder)
		rt := l.Wrap(o)
		for range 3 {
			get(t, rt, "http://example.com/", "")
		}
		began := time.Now()
		for _, step := range []struct {
			name  string
			after time.Duration
			want  transport.Level
			since time.Duration
		}{
			{"at once", 0, transport.Offline, 0},
			{"just before 10 minutes", 10*time.Minute - 1, transport.Offline, 0},
			{"after 10 minutes", 10 * time.Minute, transport.Full, 10 * time.Minute},
			{"a day later", 24 * time.Hour, transport.Full, 10 * time.Minute},
		} {
			time.Sleep(time.Until(began.Add(step.after)))
			if got := l.States(); len(got) != 1 || got[0].Level != step.want || got[0].Since.Sub(began) != step.since {
				t.Errorf("%s: %+v, want %v since %v", step.name, got, step.want, step.since)
			}
		}
		for range 3 {
			if got := l.States(); got[0].Level != transport.Full {
				t.Errorf("it begins to count anew: %+v", got)
			}
			get(t, rt, "http://example.com/", "")
		}
		if got := l.States(); got[0].Level != transport.Offline || !got[0].Since.Equal(time.Now()) {
			t.Errorf("three more calls fail: %+v, want offline since now", got)
		}
	})
}

func TestAStepMayHandOutTheSameHeaderEachTime(t *testing.T) {
	h := http.Header{"Content-Type": {"text/plain"}}
	s := newStack(nil, fallback.Static(func(*http.Request) (*http.Response, error) { return &http.Response{Header: h}, nil }))
	s.dies()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if resp, _ := get(t, s, "http://example.com/", ""); len(resp.Header["Cache-Status"]) != 1 {
				t.Errorf("got %v", resp.Header)
			}
		})
	}
	wg.Wait()
	if len(h) != 1 {
		t.Errorf("it was changed: %v", h)
	}
}

func TestLevelsAreBounded(t *testing.T) {
	o := new(origin)
	o.says(503, "", "")
	l := &fallback.Ladder{MaxKeys: 100, Key: func(req *http.Request) string { return req.URL.Path }}
	rt := l.Wrap(o)
	for i := range 1000 {
		get(t, rt, fmt.Sprintf("http://example.com/%d", i), "")
	}
	if n := len(l.States()); n == 0 || n > 100 {
		t.Errorf("%d levels are kept", n)
	}
}

func TestACachesHitDoesNotMakeADeadServiceWell(t *testing.T) {
	s := newStack(&fallback.Cache{ServeFresh: true})
	s.says(200, "Cache-Control: max-age=60", "good")
	get(t, s, "http://example.com/a", "")
	s.dies()
	for range 3 {
		get(t, s, "http://example.com/b", "")
	}
	get(t, s, "http://example.com/a", "")
	if got := s.ladder.States(); len(got) != 1 || got[0].Level != transport.Offline {
		t.Errorf("got %+v", got)
	}
}

func TestSeveralWrapsShareTheLevels(t *testing.T) {
	l := new(fallback.Ladder)
	one, two := new(origin), new(origin)
	one.says(503, "", "")
	two.says(200, "", "")
	a, b := l.Wrap(one), l.Wrap(two)
	for range 3 {
		get(t, a, "http://example.com/", "")
	}
	if got := l.States(); len(got) != 1 || got[0].Level != transport.Offline {
		t.Errorf("got %+v", got)
	}
	get(t, b, "http://example.com/", "")
	if got := l.States(); got[0].Level != transport.Full {
		t.Errorf("got %+v", got)
	}
}

func TestNobodySpeaksInOurName(t *testing.T) {
	for _, row := range []struct{ theirs, want string }{
		{"safetrip; hit", "upstream-safetrip; hit"},
		{"safetrip", "upstream-safetrip"},
		{`"safetrip"; hit`, "upstream-safetrip; hit"},
		{"SafeTrip; hit", "upstream-safetrip; hit"},
		{"CDN; hit, safetrip; fwd=stale; fwd-status=503", "CDN; hit, upstream-safetrip; fwd=stale; fwd-status=503"},
		{`CDN; detail="a, safetrip"`, `CDN; detail="a, safetrip"`},
		{`x; detail="safetrip`, ""},
		{"CDN; hit", "CDN; hit"},
		{"safetrip-like; hit", "safetrip-like; hit"},
	} {
		for how, rt := range map[string]func(http.RoundTripper) http.RoundTripper{
			"Ladder": new(fallback.Ladder).Wrap, "Cache": new(fallback.Cache).Wrap, "both": layered,
		} {
			o := new(origin)
			o.says(200, "Cache-Control: no-store|Cache-Status: "+row.theirs, "")
			if resp, _ := get(t, rt(o), "http://example.com/", ""); resp.Header.Get("Cache-Status") != row.want {
				t.Errorf("%s: %q came out as %q, want %q", how, row.theirs, resp.Header.Get("Cache-Status"), row.want)
			}
		}
	}
	s := newStack(nil)
	s.says(200, "Cache-Status: safetrip; hit", "good")
	get(t, s, "http://example.com/", "")
	s.says(503, "", "")
	if resp, _ := get(t, s, "http://example.com/", ""); !slices.Equal(resp.Header["Cache-Status"], []string{"upstream-safetrip; hit", "safetrip; fwd=stale; fwd-status=503; ttl=0; detail=cached"}) {
		t.Errorf("got %q", resp.Header["Cache-Status"])
	}
}
