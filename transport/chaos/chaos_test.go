package chaos_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetrip-go/safetrip/transport"
	"github.com/safetrip-go/safetrip/transport/chaos"
	"github.com/safetrip-go/safetrip/transport/rttest"
)

// injecting returns an Injector with faults around base.
func injecting(t testing.TB, base http.RoundTripper, faults ...chaos.Fault) http.RoundTripper {
	t.Helper()
	i := new(chaos.Injector)
	set(t, i, faults...)
	return i.Wrap(base)
}

func set(t testing.TB, i *chaos.Injector, faults ...chaos.Fault) {
	t.Helper()
	if err := i.Set(faults...); err != nil {
		t.Fatal(err)
	}
}

func request(t testing.TB, method string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://api.test/v1", body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// call sends a GET and reads the answer to its end.
func call(t testing.TB, rt http.RoundTripper) (resp *http.Response, text string, err error) {
	t.Helper()
	resp, err = rt.RoundTrip(request(t, http.MethodGet, nil))
	if (resp == nil) == (err == nil) {
		t.Fatalf("response %v and error %v; want one of them", resp, err)
	}
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	return resp, string(read), err
}

func TestFault(t *testing.T) {
	own := errors.New("my own")
	for _, tt := range []struct {
		does  string
		fault chaos.Fault

		status int
		mark   string // the header Chaos
		text   string
		err    error
		sent   int // to the service
	}{
		{does: "a fault of nothing changes nothing", status: 200, text: "hello", sent: 1},
		{does: "Refused is a refused connection", fault: chaos.Fault{Err: chaos.Refused}, err: syscall.ECONNREFUSED},
		{does: "Reset is a reset connection", fault: chaos.Fault{Err: chaos.Reset}, err: syscall.ECONNRESET},
		{does: "an error of your own", fault: chaos.Fault{Err: func(*http.Request) error { return own }}, err: own},
		{does: "an Err that makes none lets the call go on", fault: chaos.Fault{Err: func(*http.Request) error { return nil }}, status: 200, text: "hello", sent: 1},
		{does: "an Err that makes none, and a Status", fault: chaos.Fault{Err: func(*http.Request) error { return nil }, Status: 502}, status: 502, mark: "made up", text: "chaos: Bad Gateway\n"},
		{does: "a Status is answered without the service", fault: chaos.Fault{Status: 503}, status: 503, mark: "made up", text: "chaos: Service Unavailable\n"},
		{does: "a Status that nobody named", fault: chaos.Fault{Status: 599}, status: 599, mark: "made up", text: "chaos: \n"},
		{does: "a Status without a body", fault: chaos.Fault{Status: 204}, status: 204, mark: "made up"},
		{does: "Cut ends the body after so many bytes", fault: chaos.Fault{Cut: 2}, status: 200, mark: "spoiled", text: "he", err: io.ErrUnexpectedEOF, sent: 1},
		{does: "Cut ends it at its very end too", fault: chaos.Fault{Cut: 5}, status: 200, mark: "spoiled", text: "hello", err: io.ErrUnexpectedEOF, sent: 1},
		{does: "a body shorter than Cut ends well", fault: chaos.Fault{Cut: 6}, status: 200, mark: "spoiled", text: "hello", sent: 1},
		{does: "Dribble loses nothing", fault: chaos.Fault{Dribble: time.Second}, status: 200, mark: "spoiled", text: "hello", sent: 1},
		{does: "Dribble and Cut", fault: chaos.Fault{Dribble: time.Second, Cut: 3}, status: 200, mark: "spoiled", text: "hel", err: io.ErrUnexpectedEOF, sent: 1},
		{does: "Latency changes nothing else", fault: chaos.Fault{Latency: time.Second}, status: 200, text: "hello", sent: 1},
		{does: "Latency and Status", fault: chaos.Fault{Latency: time.Second, Status: 500}, status: 500, mark: "made up", text: "chaos: Internal Server Error\n"},
		{does: "a fault for others", fault: chaos.Fault{Match: func(*http.Request) bool { return false }, Status: 503}, status: 200, text: "hello", sent: 1},
	} {
		t.Run(tt.does, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := rttest.Script("hello")
				resp, text, err := call(t, injecting(t, base, tt.fault))
				if !errors.Is(err, tt.err) || text != tt.text {
					t.Errorf("read %q, %v; want %q, %v", text, err, tt.text, tt.err)
				}
				if injected, ok := errors.AsType[*chaos.Error](err); ok != (tt.err != nil) || ok && !strings.HasPrefix(injected.Error(), "chaos: injected: ") {
					t.Errorf("the error is %v; want one that says that it was injected: %v", err, tt.err != nil)
				}
				if resp != nil && (resp.StatusCode != tt.status || resp.Header.Get("Chaos") != tt.mark) {
					t.Errorf("the response is %d, Chaos: %q; want %d, %q", resp.StatusCode, resp.Header.Get("Chaos"), tt.status, tt.mark)
				}
				if (resp != nil) != (tt.status != 0) {
					t.Errorf("the response is %v, want status %d", resp, tt.status)
				}
				if n := len(base.Sent()); n != tt.sent {
					t.Errorf("the service was called %d times, want %d", n, tt.sent)
				}
				if base.Open() != 0 {
					t.Error("the service's body was left open")
				}
			})
		})
	}
}

func TestZeroValueIsOff(t *testing.T) {
	base := rttest.Script("hello")
	var i chaos.Injector
	rt := i.Wrap(base)
	for range 100 {
		if resp, text, err := call(t, rt); err != nil || text != "hello" || resp.Header.Get("Chaos") != "" {
			t.Fatalf("%v, %q, %v", resp, text, err)
		}
	}
	set(t, &i, chaos.Fault{Status: 503})
	if resp, _, _ := call(t, rt); resp.StatusCode != 503 {
		t.Errorf("turned on, it answers %d", resp.StatusCode)
	}
	set(t, &i)
	if resp, _, _ := call(t, rt); resp.StatusCode != 200 {
		t.Errorf("turned off, it answers %d", resp.StatusCode)
	}
	if n := i.Injected(); n != 1 {
		t.Errorf("%d calls met a fault, want 1", n)
	}
}

func TestTheFirstFaultThatMatchesIsMet(t *testing.T) {
	post := func(req *http.Request) bool { return req.Method == http.MethodPost }
	rt := injecting(t, rttest.Script(), chaos.Fault{Match: post, Status: 501}, chaos.Fault{Status: 502}, chaos.Fault{Status: 503})
	for method, want := range map[string]int{http.MethodPost: 501, http.MethodGet: 502} {
		resp, err := rt.RoundTrip(request(t, method, nil))
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s: %v, %v; want %d", method, resp, err, want)
		}
	}
}

// statuses returns what n calls through an Injector with seed answer, 0 for an
// error.
func statuses(t *testing.T, seed uint64, n int, faults ...chaos.Fault) (all []int) {
	t.Helper()
	i := chaos.Injector{Seed: seed}
	set(t, &i, faults...)
	rt := i.Wrap(rttest.Script(200))
	met := 0
	for range n {
		resp, _, err := call(t, rt)
		if err != nil {
			all = append(all, 0)
		} else {
			all = append(all, resp.StatusCode)
		}
		if all[len(all)-1] != 200 {
			met++
		}
	}
	if i.Injected() != uint64(met) {
		t.Errorf("Injected is %d, want %d", i.Injected(), met)
	}
	return all
}

func TestRates(t *testing.T) {
	const calls = 10_000
	faults := []chaos.Fault{{Rate: 0.2, Status: 503}, {Rate: 0.5, Status: 500}, {Rate: 0.1, Err: chaos.Reset}}
	got := statuses(t, 1, calls, faults...)
	if !slices.Equal(got, statuses(t, 1, calls, faults...)) {
		t.Error("with one seed, two runs differ")
	}
	if slices.Equal(got, statuses(t, 2, calls, faults...)) {
		t.Error("with another seed, nothing is different")
	}
	counts := map[int]float64{}
	for _, status := range got {
		counts[status]++
	}
	for status, want := range map[int]float64{503: 0.2, 500: 0.8 * 0.5, 0: 0.8 * 0.5 * 0.1, 200: 0.8 * 0.5 * 0.9} {
		if share := counts[status] / calls; math.Abs(share-want) > 0.02 {
			t.Errorf("%v of the calls end with %d, want %v", share, status, want)
		}
	}
}

func TestSeedIsReadAtTheFirstWrap(t *testing.T) {
	want := statuses(t, 1, 100, chaos.Fault{Rate: 0.5, Status: 503})
	i := chaos.Injector{Seed: 1}
	set(t, &i, chaos.Fault{Rate: 0.5, Status: 503})
	rt := i.Wrap(rttest.Script(200))
	i.Seed = 2
	var got []int
	for range 100 {
		resp, _, _ := call(t, rt)
		got = append(got, resp.StatusCode)
	}
	if !slices.Equal(got, want) {
		t.Error("a later Seed has an effect")
	}
}

func TestSwitchedWhileCallsAreUnderWay(t *testing.T) {
	var i chaos.Injector
	rt := i.Wrap(rttest.Script(200))
	var callers sync.WaitGroup
	stop := make(chan struct{})
	var calls, odd atomic.Int64
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, _, err := call(t, rt)
				calls.Add(1)
				if err != nil && !errors.Is(err, syscall.ECONNRESET) ||
					err == nil && (resp.StatusCode == 503) != (resp.Header.Get("Chaos") == "made up") {
					odd.Add(1)
				}
			}
		})
	}
	for n := range 300 {
		switch n % 3 {
		case 0:
			set(t, &i, chaos.Fault{Rate: 0.5, Status: 503, Match: func(*http.Request) bool { return i.Injected() < 1<<60 }})
		case 1:
			set(t, &i, chaos.Fault{Rate: 0.5, Err: chaos.Reset, Jitter: time.Nanosecond}, chaos.Fault{Cut: 100})
		case 2:
			set(t, &i)
		}
		for before := calls.Load(); calls.Load() < before+5; {
			runtime.Gosched() // let the callers come to something
		}
	}
	close(stop)
	callers.Wait()
	if odd.Load() != 0 {
		t.Errorf("%d calls of %d ended in a way that was never set", odd.Load(), calls.Load())
	}
}

// A Match may make calls of its own, even through the same Injector.
func TestMatchRunsOutsideOfLocks(t *testing.T) {
	var i chaos.Injector
	rt := i.Wrap(rttest.Script(200))
	set(t, &i, chaos.Fault{Rate: 1, Status: 503, Match: func(req *http.Request) bool {
		if req.Method == http.MethodHead {
			return true
		}
		resp, err := rt.RoundTrip(request(t, http.MethodHead, nil))
		return err == nil && resp.StatusCode == 503
	}})
	if resp, _, err := call(t, rt); err != nil || resp.StatusCode != 503 || i.Injected() != 2 {
		t.Errorf("%v, %v, %d faults", resp, err, i.Injected())
	}
}

func TestLatency(t *testing.T) {
	cause := errors.New("changed my mind")
	for _, tt := range []struct {
		does    string
		fault   chaos.Fault
		context func(context.Context) (context.Context, context.CancelFunc)
		took    time.Duration
		upTo    time.Duration // if it is a range
		err     error
		met     bool
	}{
		{does: "is waited for", fault: chaos.Fault{Latency: 3 * time.Second}, took: 3 * time.Second, met: true},
		{does: "comes before a Status", fault: chaos.Fault{Latency: 3 * time.Second, Status: 503}, took: 3 * time.Second, met: true},
		{does: "comes before an Err", fault: chaos.Fault{Latency: 3 * time.Second, Err: chaos.Refused}, took: 3 * time.Second, err: syscall.ECONNREFUSED, met: true},
		{does: "with Jitter, is up to both of them", fault: chaos.Fault{Latency: 3 * time.Second, Jitter: time.Second}, took: 3 * time.Second, upTo: 4 * time.Second, met: true},
		{does: "of Jitter alone", fault: chaos.Fault{Jitter: time.Second}, upTo: time.Second, met: true},
		{does: "ends with the deadline", fault: chaos.Fault{Latency: time.Hour}, context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 2*time.Second)
		}, took: 2 * time.Second, err: context.DeadlineExceeded, met: true},
		{does: "ends with the context's own cause", fault: chaos.Fault{Latency: time.Hour, Status: 503}, context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, 2*time.Second, cause)
		}, took: 2 * time.Second, err: cause, met: true},
		{does: "is not begun when the context is over", fault: chaos.Fault{Latency: time.Hour, Status: 503}, context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(cause)
			return ctx, func() {}
		}, err: cause},
		{does: "of nothing, when the context is over, is no answer either", fault: chaos.Fault{Status: 503}, context: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, err: context.Canceled},
	} {
		t.Run(tt.does, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var i chaos.Injector
				set(t, &i, tt.fault)
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if tt.context != nil {
					ctx, cancel = tt.context(ctx)
				}
				defer cancel()
				began := time.Now()
				resp, err := i.Wrap(rttest.Script(200)).RoundTrip(request(t, http.MethodGet, nil).WithContext(ctx))
				if took := time.Since(began); took < tt.took || took > max(tt.took, tt.upTo) {
					t.Errorf("it took %v, want %v to %v", took, tt.took, max(tt.took, tt.upTo))
				}
				if !errors.Is(err, tt.err) || (resp == nil) != (tt.err != nil) {
					t.Errorf("%v, %v; want the error %v", resp, err, tt.err)
				}
				if (i.Injected() == 1) != tt.met {
					t.Errorf("%d calls met a fault", i.Injected())
				}
			})
		})
	}
}

// dribbling returns a response whose bytes come one a minute.
func dribbling(ctx context.Context, t *testing.T) *http.Response {
	t.Helper()
	rt := injecting(t, rttest.Script("hello"), chaos.Fault{Dribble: time.Minute})
	resp, err := rt.RoundTrip(request(t, http.MethodGet, nil).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestDribble(t *testing.T) {
	t.Run("takes its time for every byte", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			resp := dribbling(t.Context(), t)
			defer resp.Body.Close()
			for n := range 5 {
				began := time.Now()
				if read, err := resp.Body.Read(make([]byte, 100)); read != 1 || err != nil || time.Since(began) != time.Minute {
					t.Errorf("byte %d: read %d, %v, after %v", n, read, err, time.Since(began))
				}
			}
		})
	})
	t.Run("ends when the body is closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			resp := dribbling(t.Context(), t)
			began := time.Now()
			time.AfterFunc(time.Second, func() { resp.Body.Close() })
			if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) || time.Since(began) != time.Second {
				t.Errorf("the read ended with %v after %v", err, time.Since(began))
			}
		})
	})
	t.Run("ends when the caller's context is over, with its cause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			cause := errors.New("changed my mind")
			ctx, cancel := context.WithCancelCause(t.Context())
			resp := dribbling(ctx, t)
			defer resp.Body.Close()
			began := time.Now()
			time.AfterFunc(time.Second, func() { cancel(cause) })
			if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, cause) || time.Since(began) != time.Second {
				t.Errorf("the read ended with %v after %v", err, time.Since(began))
			}
		})
	})
	t.Run("holds nobody up who discards the response", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			resp := dribbling(t.Context(), t)
			began := time.Now()
			transport.Discard(resp)
			if took := time.Since(began); took > 100*time.Millisecond {
				t.Errorf("it took %v", took)
			}
		})
	})
}

// connection is the body of a 101.
type connection struct{ bytes.Buffer }

func (*connection) Close() error { return nil }

func TestOddAnswers(t *testing.T) {
	both := chaos.Fault{Cut: 2, Dribble: time.Nanosecond}
	answering := func(resp *http.Response) http.RoundTripper {
		return transport.Func(func(req *http.Request) (*http.Response, error) {
			resp.Request = req
			return resp, nil
		})
	}
	t.Run("NoBody stays NoBody", func(t *testing.T) {
		resp, _, err := call(t, injecting(t, answering(&http.Response{Body: http.NoBody, Header: http.Header{}}), both))
		if err != nil || resp.Body != http.NoBody || resp.Header.Get("Chaos") != "" {
			t.Errorf("%v, %v", resp, err)
		}
	})
	t.Run("no body stays none", func(t *testing.T) {
		resp, err := injecting(t, answering(&http.Response{}), both).RoundTrip(request(t, http.MethodGet, nil))
		if err != nil || resp.Body != nil {
			t.Errorf("%v, %v", resp, err)
		}
	})
	t.Run("a response without a header gets one", func(t *testing.T) {
		resp, _, err := call(t, injecting(t, answering(&http.Response{Body: io.NopCloser(strings.NewReader("hello"))}), both))
		if !errors.Is(err, io.ErrUnexpectedEOF) || resp.Header.Get("Chaos") != "spoiled" {
			t.Errorf("%v, %v", resp, err)
		}
	})
	t.Run("a connection can still be written to", func(t *testing.T) {
		resp, err := injecting(t, answering(&http.Response{StatusCode: 101, Body: new(connection)}), both).RoundTrip(request(t, http.MethodGet, nil))
		if err != nil {
			t.Fatal(err)
		}
		w, ok := resp.Body.(io.Writer)
		if !ok {
			t.Fatal("it cannot")
		}
		io.WriteString(w, "ping")
		if got, err := io.ReadAll(resp.Body); string(got) != "pi" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("what comes back is %q, %v", got, err)
		}
		resp.Body.Close()
	})
	t.Run("an error of the service's stays as it is", func(t *testing.T) {
		mine := errors.New("mine")
		if _, _, err := call(t, injecting(t, rttest.Script(mine), both)); !errors.Is(err, mine) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestMadeUpResponse(t *testing.T) {
	for _, tt := range []struct {
		what       string
		method     string
		fault      chaos.Fault
		length     int64
		retryAfter string
	}{
		{"to GET", http.MethodGet, chaos.Fault{Status: 503}, 27, ""},
		{"to HEAD has no body and GET's length", http.MethodHead, chaos.Fault{Status: 503}, 27, ""},
		{"204 has neither", http.MethodGet, chaos.Fault{Status: 204}, 0, ""},
		{"304 has neither", http.MethodGet, chaos.Fault{Status: 304}, 0, ""},
		{"Retry-After in seconds", http.MethodGet, chaos.Fault{Status: 503, RetryAfter: 7 * time.Second}, 27, "7"},
		{"Retry-After of part of a second is rounded up", http.MethodGet, chaos.Fault{Status: 503, RetryAfter: 7*time.Second + 1}, 27, "8"},
		{"Retry-After of next to nothing is a second", http.MethodGet, chaos.Fault{Status: 429, RetryAfter: 1}, 25, "1"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			req := request(t, tt.method, nil)
			resp, err := injecting(t, rttest.Script(), tt.fault).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if hasBody := tt.length > 0 && tt.method != http.MethodHead; resp.ContentLength != tt.length || hasBody == (resp.Body == http.NoBody) {
				t.Errorf("its length is %d, want %d; its body is a %T", resp.ContentLength, tt.length, resp.Body)
			}
			if resp.Request != req {
				t.Error("its request is not the caller's")
			}
			if got := resp.Header.Get("Retry-After"); got != tt.retryAfter {
				t.Errorf("Retry-After is %q, want %q", got, tt.retryAfter)
			}
			// It could have come over the wire: its length is true.
			if err := resp.Write(io.Discard); err != nil {
				t.Errorf("it cannot be sent: %v", err)
			}
		})
	}
}

func TestTheBodyOfTheRequestIsClosedOnce(t *testing.T) {
	for _, tt := range []struct {
		where  string
		faults []chaos.Fault
		edit   func(*http.Request) *http.Request
	}{
		{"off", nil, nil},
		{"a fault for others", []chaos.Fault{{Match: func(*http.Request) bool { return false }, Status: 503}}, nil},
		{"Status", []chaos.Fault{{Status: 503}}, nil},
		{"Err", []chaos.Fault{{Err: chaos.Reset}}, nil},
		{"Err that makes none", []chaos.Fault{{Err: func(*http.Request) error { return nil }}}, nil},
		{"Cut", []chaos.Fault{{Cut: 1}}, nil},
		{"Latency", []chaos.Fault{{Latency: time.Second}}, nil},
		{"Latency that the context ends", []chaos.Fault{{Latency: time.Hour}}, func(req *http.Request) *http.Request {
			ctx, cancel := context.WithTimeout(req.Context(), time.Second)
			time.AfterFunc(time.Minute, cancel)
			return req.WithContext(ctx)
		}},
		{"a context that is over", []chaos.Fault{{Status: 503}}, func(req *http.Request) *http.Request {
			ctx, cancel := context.WithCancel(req.Context())
			cancel()
			return req.WithContext(ctx)
		}},
		{"no URL", []chaos.Fault{{Err: chaos.NoSuchHost}}, func(req *http.Request) *http.Request {
			req.URL = nil
			return req
		}},
		{"no header", []chaos.Fault{{Err: chaos.NoSuchHost}}, func(req *http.Request) *http.Request {
			req.Header = nil
			return req
		}},
	} {
		t.Run(tt.where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := &rttest.Body{Reader: strings.NewReader("question")}
				req := request(t, http.MethodPost, body)
				if tt.edit != nil {
					req = tt.edit(req)
				}
				resp, err := injecting(t, rttest.Script("hello"), tt.faults...).RoundTrip(req)
				if (resp == nil) == (err == nil) {
					t.Errorf("response %v and error %v; want one of them", resp, err)
				}
				if resp != nil {
					resp.Body.Close()
				}
				if n := body.Closes(); n != 1 {
					t.Errorf("it was closed %d times", n)
				}
			})
		})
	}
}

// Each error is compared with one that was provoked for real.
func TestErrorsClassifyAsTheRealOnesDo(t *testing.T) {
	for _, tt := range []struct {
		what    string
		fault   chaos.Fault
		real    func(*testing.T) error
		timeout bool
	}{
		{"a port where nobody listens", chaos.Fault{Err: chaos.Refused}, refused, false},
		{"a connection that is reset", chaos.Fault{Err: chaos.Reset}, reset, false},
		{"a connection that is not made in time", chaos.Fault{Err: chaos.TimedOut}, dialTimeout, true},
		{"a name that does not exist", chaos.Fault{Err: chaos.NoSuchHost}, noSuchHost, false},
		{"a body that is cut", chaos.Fault{Cut: 1}, cut, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			client := http.Client{Transport: injecting(t, rttest.Script("hello"), tt.fault)}
			made, found := fetch(t, &client, "http://api.test/"), tt.real(t)
			if made == nil || found == nil {
				t.Fatalf("the errors are %v and, for real, %v", made, found)
			}
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				req := request(t, method, nil)
				if got, want := transport.Classify(req, nil, made), transport.Classify(req, nil, found); got != want {
					t.Errorf("%s: injected it is %+v, for real %+v: %v", method, got, want, found)
				}
			}
			var a, b net.Error
			if got, want := errors.As(made, &a) && a.Timeout(), errors.As(found, &b) && b.Timeout(); got != want || got != tt.timeout {
				t.Errorf("Timeout is %v, for real %v, want %v", got, want, tt.timeout)
			}
		})
	}
}

// fetch returns the error of a GET, or of reading what it answers.
func fetch(t *testing.T, client *http.Client, url string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// listen accepts connections and hands the first bytes of each to serve.
func listen(t *testing.T, serve func(*net.TCPConn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1000))
			serve(c.(*net.TCPConn))
			c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func bare(t *testing.T, d net.Dialer) *http.Client {
	t.Helper()
	return &http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}}
}

func refused(t *testing.T) error {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return fetch(t, bare(t, net.Dialer{}), "http://"+l.Addr().String())
}

func reset(t *testing.T) error {
	t.Helper()
	return fetch(t, bare(t, net.Dialer{}), listen(t, func(c *net.TCPConn) { c.SetLinger(0) }))
}

func dialTimeout(t *testing.T) error {
	t.Helper()
	return fetch(t, bare(t, net.Dialer{Timeout: time.Nanosecond}), listen(t, func(*net.TCPConn) {}))
}

func cut(t *testing.T) error {
	t.Helper()
	return fetch(t, bare(t, net.Dialer{}), listen(t, func(c *net.TCPConn) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
	}))
}

// noSuchHost asks a name server that knows no names.
func noSuchHost(t *testing.T) error {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		for query := make([]byte, 1000); ; {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			query[2], query[3] = 0x81, 0x83 // an answer: NXDOMAIN
			server.WriteTo(query[:n], from)
		}
	}()
	return fetch(t, bare(t, net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}}), "http://api.test.")
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		what  string
		fault chaos.Fault
		names []string // the fields that it must name; none if it is valid
	}{
		{"the zero Fault is valid", chaos.Fault{}, nil},
		{"the ends of the bounds are valid", chaos.Fault{Rate: 1, Status: 200, Latency: 1, Jitter: 1, RetryAfter: 1, Cut: 1, Dribble: 1}, nil},
		{"599 is valid", chaos.Fault{Status: 599}, nil},
		{"a rate below zero", chaos.Fault{Rate: -0.1}, []string{"Rate"}},
		{"a rate above one", chaos.Fault{Rate: 1.1}, []string{"Rate"}},
		{"a rate that is no number", chaos.Fault{Rate: math.NaN()}, []string{"Rate"}},
		{"a status that is none", chaos.Fault{Status: 600}, []string{"Status"}},
		{"a status that is no answer", chaos.Fault{Status: 199}, []string{"Status"}},
		{"a negative status", chaos.Fault{Status: -1}, []string{"Status"}},
		{"negative Latency", chaos.Fault{Latency: -1}, []string{"Latency"}},
		{"negative Jitter", chaos.Fault{Jitter: -1}, []string{"Jitter"}},
		{"negative RetryAfter", chaos.Fault{RetryAfter: -1}, []string{"RetryAfter"}},
		{"negative Cut", chaos.Fault{Cut: -1}, []string{"Cut"}},
		{"negative Dribble", chaos.Fault{Dribble: -1}, []string{"Dribble"}},
		{"all of them are named", chaos.Fault{Rate: 2, Status: 1, Latency: -1, Jitter: -1, RetryAfter: -1, Cut: -1, Dribble: -1},
			[]string{"Rate", "Status", "Latency", "Jitter", "RetryAfter", "Cut", "Dribble"}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			err := tt.fault.Validate()
			if (err == nil) != (tt.names == nil) {
				t.Fatalf("Validate: %v", err)
			}
			for _, field := range []string{"Rate", "Status", "Latency", "Jitter", "RetryAfter", "Cut", "Dribble"} {
				if got, want := err != nil && strings.Contains(err.Error(), "Fault."+field+" "), slices.Contains(tt.names, field); got != want {
					t.Errorf("it names %s: %v, want %v: %v", field, got, want, err)
				}
			}
		})
	}
}

func TestSetRefusesWhatIsNotValid(t *testing.T) {
	var i chaos.Injector
	rt := i.Wrap(rttest.Script(200))
	mine := []chaos.Fault{{Status: 503}}
	set(t, &i, mine...)
	if err := i.Set(chaos.Fault{Status: 500}, chaos.Fault{Rate: 7}, chaos.Fault{Cut: -1}); err == nil || !strings.Contains(err.Error(), "Cut") || !strings.Contains(err.Error(), "Rate") {
		t.Errorf("Set: %v", err)
	}
	mine[0].Status = 500
	if resp, _, err := call(t, rt); err != nil || resp.StatusCode != 503 {
		t.Errorf("afterwards: %v, %v; want what was set before", resp, err)
	}
}

func TestContract(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults []chaos.Fault
	}{
		{"off", nil},
		{"a fault for others", []chaos.Fault{{Match: func(*http.Request) bool { return false }, Status: 503}}},
		{"late", []chaos.Fault{{Latency: time.Microsecond}}},
	} {
		wrap := func(next http.RoundTripper) http.RoundTripper { return injecting(t, next, tt.faults...) }
		t.Run(tt.name, func(t *testing.T) { rttest.Suite{Memory: tt.faults != nil}.Run(t, wrap) })
	}
	t.Run("off, HTTP2", func(t *testing.T) { rttest.Suite{HTTP2: true}.Run(t, new(chaos.Injector).Wrap) })
}
