package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// never is a base whose answer never comes: it waits for the context.
func never503(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}

// slowly is a base that answers after d, with a body that goes on until its
// context is over.
func slowly(d time.Duration) Func {
	return func(req *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
		case <-req.Context().Done():
			return nil, context.Cause(req.Context())
		}
		resp := answer(req, 200, "")
		resp.Body = &liveBody{ctx: req.Context()}
		resp.ContentLength = -1
		return resp, nil
	}
}

// liveBody gives one byte a minute until its context is over.
type liveBody struct {
	ctx    context.Context
	closed bool
}

func (b *liveBody) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Minute):
		p[0] = '.'
		return 1, nil
	case <-b.ctx.Done():
		return 0, context.Cause(b.ctx)
	}
}

func (b *liveBody) Close() error { b.closed = true; return nil }

func TestTimeoutHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		req := get(t, "http://a.test")
		_, _, err := send(t, Timeout{Headers: 10 * time.Second}.Wrap(Func(never503)), req)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
		e, ok := errors.AsType[*TimeoutError](err)
		if !ok || !e.Timeout() || !e.Temporary() || !errors.Is(err, context.DeadlineExceeded) || err.Error() != "transport: response headers timed out after 10s" {
			t.Errorf("got %#v", err)
		}
		if got := Classify(req, nil, err); got != passing(TimedOut, Maybe) {
			t.Errorf("its verdict is %+v", got)
		}
	})
}

func TestTimeoutHeadersAndABaseThatDoesNotListen(t *testing.T) {
	// The headers come late, from a base that does not look at its context.
	synctest.Test(t, func(t *testing.T) {
		late := body("late")
		rt := Timeout{Headers: time.Second}.Wrap(Func(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Minute)
			resp := answer(req, 200, "")
			resp.Body = late
			return resp, nil
		}))
		if _, _, err := send(t, rt, get(t, "http://a.test")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		late.closedOnce(t, "the body of the late answer")
	})
}

func TestTimeoutHeadersDoesNotCutAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resp, err := Timeout{Headers: 10 * time.Second}.Wrap(slowly(9 * time.Second)).RoundTrip(get(t, "http://a.test"))
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			if n, err := resp.Body.Read(make([]byte, 10)); n != 1 || err != nil {
				t.Fatalf("read %d bytes, %v", n, err)
			}
		}
		resp.Body.Close()
	})
}

func TestTimeoutAtTheVeryMoment(t *testing.T) {
	// Whatever comes first, the answer is whole or it is an error: there is no
	// response whose context is over.
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			resp, err := Timeout{Headers: time.Second}.Wrap(Func(func(req *http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				resp := answer(req, 200, "")
				resp.Body = &liveBody{ctx: req.Context()}
				return resp, nil
			})).RoundTrip(get(t, "http://a.test"))
			if err != nil {
				continue
			}
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				t.Fatalf("the body ends with %v", err)
			}
			resp.Body.Close()
		}
	})
}

func TestTimeoutContextLivesUntilTheBodyEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*http.Response)
	}{
		{"read to its end", func(r *http.Response) { io.ReadAll(r.Body) }},
		{"closed", func(r *http.Response) { r.Body.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var inner *http.Request
			req := get(t, "http://a.test")
			resp, err := Timeout{Headers: time.Minute, Idle: time.Minute}.Wrap(Func(func(r *http.Request) (*http.Response, error) {
				inner = r
				return answer(r, 200, "text"), nil
			})).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if inner.Context().Err() != nil {
				t.Error("the context is over before the body is")
			}
			if resp.Request != req {
				t.Error("resp.Request is not the caller's")
			}
			test.end(resp)
			if inner.Context().Err() == nil {
				t.Error("the context lives on when the body has ended")
			}
			resp.Body.Close()
		})
	}
}

func TestTimeoutFreesItsContext(t *testing.T) {
	for _, test := range []struct {
		name string
		base Func
	}{
		{"on an error", func(*http.Request) (*http.Response, error) { return nil, io.EOF }},
		{"on a panic", func(*http.Request) (*http.Response, error) { panic("base") }},
		{"on a response without a body", func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 204, Body: http.NoBody}, nil
		}},
		{"on a response with a nil body", func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 204}, nil }},
		{"on nothing at all", func(*http.Request) (*http.Response, error) { return nil, nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, wrap := range []Middleware{Timeout{Headers: time.Hour, Idle: time.Hour}.Wrap, Deadline{Total: time.Hour, Body: true}.Wrap} {
				var inner *http.Request
				func() {
					defer func() { recover() }()
					wrap(Func(func(req *http.Request) (*http.Response, error) {
						inner = req
						return test.base(req)
					})).RoundTrip(get(t, "http://a.test"))
				}()
				if inner.Context().Err() == nil {
					t.Error("the context lives on")
				}
			}
		})
	}
}

func TestTimeoutIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resp, err := Timeout{Idle: 30 * time.Second}.Wrap(slowly(time.Hour)).RoundTrip(get(t, "http://a.test"))
		if err != nil {
			t.Fatalf("Idle counted before the headers: %v", err)
		}
		_, err = resp.Body.Read(make([]byte, 1))
		if e, ok := errors.AsType[*TimeoutError](err); !ok || e.What != "response body" || e.Limit != 30*time.Second {
			t.Errorf("a read without a byte in 30 s got %v", err)
		}
		resp.Body.Close()

		resp, err = Timeout{Idle: 90 * time.Second}.Wrap(slowly(0)).RoundTrip(get(t, "http://a.test"))
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				t.Fatalf("a byte a minute: %v", err)
			}
			time.Sleep(time.Hour) // the time between reads does not count
		}
		resp.Body.Close()
	})
}

func TestTimeoutOfACallerWhoCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, wrap := range []Middleware{Timeout{Headers: time.Hour}.Wrap, Deadline{Total: time.Hour}.Wrap} {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Second, func() { cancel(errBoom) })
			if _, _, err := send(t, wrap(Func(never503)), get(t, "http://a.test").WithContext(ctx)); err != errBoom {
				t.Errorf("got %v, want the context's cause", err)
			}
		}
	})
}

func TestTimeoutOff(t *testing.T) {
	base := script(200)
	for _, wrap := range []Middleware{Timeout{}.Wrap, Timeout{Headers: -1, Idle: -1}.Wrap, Deadline{}.Wrap, Deadline{Total: -1, Body: true}.Wrap, Buffer{MaxBytes: -1}.Wrap, Limit{}.Wrap} {
		if wrap(base) != http.RoundTripper(base) {
			t.Error("a wrapper without a limit is there all the same")
		}
	}
}

func TestTimeoutLetsConnectionsBeReused(t *testing.T) {
	noGoroutineLeft(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "text") }))
	defer server.Close()
	tr, dials := pool(t)
	defer tr.CloseIdleConnections()
	rt := Timeout{Headers: 10 * time.Second, Idle: 10 * time.Second}.Wrap(Deadline{Total: 10 * time.Second, Body: true}.Wrap(tr))
	for range 20 {
		if code, text, err := send(t, rt, get(t, server.URL)); code != 200 || text != "text" || err != nil {
			t.Fatalf("got %d %q, %v", code, text, err)
		}
	}
	if dials.Load() != 1 {
		t.Errorf("%d dials for 20 calls, want 1", dials.Load())
	}
}

func TestTimeoutKeepsASwitchedConnection(t *testing.T) {
	addr := listen(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		if readRequest(r) != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		io.Copy(c, r)
	})
	req := get(t, "http://"+addr)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := Timeout{Headers: 10 * time.Second, Idle: time.Nanosecond}.Wrap(new(http.Transport)).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	rw, ok := resp.Body.(io.ReadWriter)
	if !ok {
		t.Fatalf("a %T has no Write", resp.Body)
	}
	io.WriteString(rw, "hello")
	buf := make([]byte, 5)
	if _, err := io.ReadFull(rw, buf); string(buf) != "hello" || err != nil {
		t.Errorf("read %q, %v", buf, err)
	}
}

func TestTimeoutOnARealSocket(t *testing.T) {
	noGoroutineLeft(t)
	for _, test := range []struct {
		name  string
		wrap  Middleware
		serve func(net.Conn)
		what  string
	}{
		{"no headers", Timeout{Headers: 20 * time.Millisecond}.Wrap, hangs, "response headers"},
		{"half of a body", Timeout{Idle: 20 * time.Millisecond}.Wrap, func(c net.Conn) {
			replies("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")(c)
			hangs(c)
		}, "response body"},
		{"no headers by the call's deadline", Deadline{Total: 20 * time.Millisecond}.Wrap, hangs, "call"},
		{"half of a body by the call's deadline", Deadline{Total: 20 * time.Millisecond, Body: true}.Wrap, func(c net.Conn) {
			replies("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")(c)
			hangs(c)
		}, "call"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := &http.Client{Transport: test.wrap(new(http.Transport))}
			resp, err := client.Do(get(t, "http://"+listen(t, test.serve)))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			e, ok := errors.AsType[*TimeoutError](err)
			if !ok || e.What != test.what {
				t.Errorf("got %v, want one about %s", err, test.what)
			}
			if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() {
				t.Errorf("%v is not a timeout", err)
			}
		})
	}
}

// Of itself HTTP/2 says of a body whose time was up that it was canceled, as
// if the caller had changed its mind.
func TestTimeoutInABodyIsNamedByHTTP2Too(t *testing.T) {
	stop := make(chan struct{})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		<-stop
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	defer close(stop)
	for what, wrap := range map[string]Middleware{
		"response body": Timeout{Idle: 20 * time.Millisecond}.Wrap,
		"call":          Deadline{Total: 500 * time.Millisecond, Body: true}.Wrap,
	} {
		req := get(t, s.URL)
		resp, err := wrap(s.Client().Transport).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if e, ok := errors.AsType[*TimeoutError](err); !ok || e.What != what || string(text) != "half" {
			t.Errorf("read %q, %v; want an error about the %s", text, err, what)
		}
		if v := Classify(req, nil, err); v.Category != TimedOut || v.Outcome != Failed {
			t.Errorf("%v is %+v", err, v)
		}
	}
}

func TestTimeoutErrorHasNoSecret(t *testing.T) {
	_, err := Timeout{Headers: time.Millisecond}.Wrap(Func(never503)).RoundTrip(get(t, "http://u:secret@a.test/?key=secret"))
	if strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("it says %v", err)
	}
}
