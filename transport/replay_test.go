package transport

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// getBody gives req a GetBody whose copies are counted.
func getBody(req *http.Request, text string) *[]*countedBody {
	copies := new([]*countedBody)
	req.ContentLength = int64(len(text))
	req.GetBody = func() (io.ReadCloser, error) {
		b := body(text)
		*copies = append(*copies, b)
		return b, nil
	}
	return copies
}

func TestRetryBodies(t *testing.T) {
	large := strings.Repeat("x", 100<<10)
	for _, test := range []struct {
		name   string
		r      Retry
		text   string
		length int64 // -1 if unknown
		replay bool  // with GetBody
		calls  int
		why    Reason
	}{
		{"a body with GetBody is sent again", Retry{}, "data", 4, true, 3, ReasonAttempts},
		{"however large it is", Retry{}, large, int64(len(large)), true, 3, ReasonAttempts},
		{"a small body without GetBody is kept", Retry{}, "data", 4, false, 3, ReasonAttempts},
		{"one of unknown length is, if it turns out to be small", Retry{}, "data", -1, false, 3, ReasonAttempts},
		{"and is not, if it turns out to be large", Retry{}, large, -1, false, 1, ReasonBody},
		{"a large one is sent once", Retry{}, large, int64(len(large)), false, 1, ReasonBody},
		{"the bound is exact", Retry{MaxBodyBuffer: 4}, "data", 4, false, 3, ReasonAttempts},
		{"the bound is exact for unknown lengths", Retry{MaxBodyBuffer: 4}, "data", -1, false, 3, ReasonAttempts},
		{"one byte more is too many", Retry{MaxBodyBuffer: 4}, "data!", 5, false, 1, ReasonBody},
		{"one byte more than the bound of unknown length is too many", Retry{MaxBodyBuffer: 4}, "data!", -1, false, 1, ReasonBody},
		{"negative keeps nothing", Retry{MaxBodyBuffer: -1}, "data", 4, false, 1, ReasonBody},
		{"a default keeps 64 KiB", Retry{}, large[:64<<10], -1, false, 3, ReasonAttempts},
	} {
		t.Run(test.name, func(t *testing.T) {
			base, sent := script(503), body(test.text)
			req, trip := withTrip(newRequest(t, http.MethodPut, "http://a.test", sent))
			req.ContentLength = test.length
			var copies *[]*countedBody
			if test.replay {
				copies = getBody(req, test.text)
			}
			send(t, atOnce(test.r).Wrap(base), req)
			if base.calls() != test.calls || trip.GaveUp() != test.why {
				t.Errorf("%d attempts, gave up because of %q; want %d, %q", base.calls(), trip.GaveUp(), test.calls, test.why)
			}
			for i, got := range base.bodies {
				if got != test.text {
					t.Errorf("attempt %d carried %d bytes, want %d", i+1, len(got), len(test.text))
				}
				if base.sent[i].ContentLength != test.length {
					t.Errorf("attempt %d said %d bytes, want %d", i+1, base.sent[i].ContentLength, test.length)
				}
			}
			sent.closedOnce(t, "the caller's body")
			if copies != nil && len(*copies) != test.calls-1 {
				t.Errorf("%d copies were asked for, want %d", len(*copies), test.calls-1)
			}
			if copies != nil {
				for _, c := range *copies {
					c.closedOnce(t, "a copy from GetBody")
				}
			}
		})
	}
}

func TestRetryOfABodyThatIsReadInPieces(t *testing.T) {
	for _, test := range []struct {
		name   string
		bound  int
		length int64 // that the request says
		read   int   // bytes, in pieces of one
		calls  int
	}{
		{"all pieces count towards the bound", 11, -1, 13, 1},
		{"which is exact", 12, -1, 13, 3},
		{"it is whole when its length was read, though nobody saw the end", 12, 12, 12, 3},
		{"and not before", 12, 12, 11, 1},
		{"nor where its length is unknown", 12, -1, 12, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := 0
			base := Func(func(req *http.Request) (*http.Response, error) {
				calls++
				_, _ = io.CopyN(io.Discard, iotest.OneByteReader(req.Body), int64(test.read))
				req.Body.Close()
				return &http.Response{StatusCode: 503, Body: http.NoBody}, nil
			})
			req := newRequest(t, http.MethodPut, "http://a.test", body("hello, world"))
			req.ContentLength = test.length
			send(t, atOnce(Retry{MaxBodyBuffer: test.bound}).Wrap(base), req)
			if calls != test.calls {
				t.Errorf("%d attempts, want %d", calls, test.calls)
			}
		})
	}
}

// unread is a base that closes a request's body without reading it, as a
// transport does whose dial failed.
func unread(err error) Func {
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
}

func TestRetryOfABodyThatNobodyRead(t *testing.T) {
	t.Run("it goes out with a later attempt", func(t *testing.T) {
		sent, got, calls := body("data"), "", 0
		rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			if calls++; calls < 3 {
				return unread(errRefused)(req)
			}
			if sent.closes.Load() != 0 {
				t.Error("the caller's body was closed while it was needed still")
			}
			read, _ := io.ReadAll(req.Body)
			req.Body.Close()
			if _, err := req.Body.Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
				t.Errorf("a body that was closed is read: %v", err)
			}
			got = string(read)
			return answer(req, 200, ""), nil
		}))
		code, _, err := send(t, rt, newRequest(t, http.MethodPost, "http://a.test", sent))
		if code != 200 || err != nil || got != "data" || calls != 3 {
			t.Errorf("got %d, %v after %d attempts; the last one carried %q", code, err, calls, got)
		}
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("it is closed when no attempt is left", func(t *testing.T) {
		sent := body("data")
		send(t, atOnce(Retry{}).Wrap(unread(errRefused)), newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("it is closed when the caller cancels the wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sent := body("data")
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			send(t, Retry{}.Wrap(unread(errRefused)), newRequest(t, http.MethodPost, "http://a.test", sent).WithContext(ctx))
			sent.closedOnce(t, "the caller's body")
		})
	})
	t.Run("it is closed when the budget is used up", func(t *testing.T) {
		sent := body("data")
		send(t, atOnce(Retry{Budget: &Budget{Ratio: 0.0001, Floor: -1}}).Wrap(unread(errRefused)), newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("it is closed when the base panics after it closed it", func(t *testing.T) {
		sent := body("data")
		mustPanic(t, func() {
			atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
				defer req.Body.Close()
				panic("base")
			})).RoundTrip(newRequest(t, http.MethodPost, "http://a.test", sent))
		})
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("the transport may read it although it closed it, as it does when it goes to another connection", func(t *testing.T) {
		sent := body("data")
		send(t, atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			req.Body.Close()
			if read, err := io.ReadAll(req.Body); string(read) != "data" || err != nil {
				t.Errorf("read %q, %v", read, err)
			}
			req.Body.Close()
			return answer(req, 200, ""), nil
		})), newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("it is closed when the call ends if the transport reads it late and does not close it again", func(t *testing.T) {
		sent := body("data")
		send(t, atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			req.Body.Close()
			req.Body.Read(make([]byte, 1))
			return nil, errRefused
		})), newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("an attempt that failed reads nothing of the next one's", func(t *testing.T) {
		sent, calls := body("data"), 0
		var late io.Reader
		rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			if calls++; calls == 1 {
				late = req.Body
				return unread(errRefused)(req)
			}
			if n, err := late.Read(make([]byte, 4)); n != 0 || err != http.ErrBodyReadAfterClose {
				t.Errorf("it read %d bytes, %v", n, err)
			}
			read, _ := io.ReadAll(req.Body)
			if req.Body.Close(); string(read) != "data" {
				t.Errorf("the next attempt read %q", read)
			}
			return answer(req, 200, ""), nil
		}))
		send(t, rt, newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
	t.Run("the late Close of an attempt that failed does not cut the next one", func(t *testing.T) {
		sent, calls := body("data"), 0
		var late io.Closer
		rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			if calls++; calls == 1 {
				late = req.Body
				return unread(errRefused)(req)
			}
			first := make([]byte, 1)
			io.ReadFull(req.Body, first)
			late.Close()
			rest, err := io.ReadAll(req.Body)
			if got := string(first) + string(rest); got != "data" || err != nil || sent.closes.Load() != 0 {
				t.Errorf("read %q, %v; closed %d times", got, err, sent.closes.Load())
			}
			req.Body.Close()
			return answer(req, 200, ""), nil
		}))
		send(t, rt, newRequest(t, http.MethodPost, "http://a.test", sent))
		sent.closedOnce(t, "the caller's body")
	})
}

func TestRetryOfABodyThatWasReadInPart(t *testing.T) {
	// The answer came before the body was sent: what is left cannot be sent
	// again, and the answer stands.
	sent := body("some data")
	req, trip := withTrip(newRequest(t, http.MethodPut, "http://a.test", sent))
	rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
		io.ReadFull(req.Body, make([]byte, 4))
		req.Body.Close()
		return answer(req, 503, "busy"), nil
	}))
	code, text, err := send(t, rt, req)
	if code != 503 || text != "busy" || err != nil || trip.GaveUp() != ReasonBody {
		t.Errorf("got %d %q, %v, gave up because of %q", code, text, err, trip.GaveUp())
	}
	sent.closedOnce(t, "the caller's body")
}

func TestRetryOfABodyThatCannotBeRead(t *testing.T) {
	req, trip := withTrip(newRequest(t, http.MethodPut, "http://a.test", io.MultiReader(strings.NewReader("da"), brokenReader{})))
	rt := atOnce(Retry{}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
		_, err := io.ReadAll(req.Body)
		req.Body.Close()
		if err != errBoom {
			t.Errorf("the base read %v, want the body's own error", err)
		}
		return nil, io.EOF
	}))
	if _, _, err := send(t, rt, req); err != io.EOF || trip.GaveUp() != ReasonBody {
		t.Errorf("got %v, gave up because of %q", err, trip.GaveUp())
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBoom }

func TestRetryWhenGetBodyFails(t *testing.T) {
	req, trip := withTrip(newRequest(t, http.MethodPut, "http://a.test", body("data")))
	req.GetBody = func() (io.ReadCloser, error) { return nil, errBoom }
	code, text, err := send(t, atOnce(Retry{}).Wrap(script(503)), req)
	if code != 503 || text == "" || err != nil || trip.GaveUp() != ReasonBody {
		t.Errorf("got %d %q, %v, gave up because of %q; want the response, readable", code, text, err, trip.GaveUp())
	}
}

func TestRetryLeavesBodiesAloneThatItNeedNotKeep(t *testing.T) {
	large := struct{ io.ReadCloser }{body("x")}
	for _, test := range []struct {
		name string
		r    Retry
		body io.ReadCloser
		size int64
		with func(*http.Request)
	}{
		{"NoBody", Retry{}, http.NoBody, 0, nil},
		{"none", Retry{}, nil, 0, nil},
		{"one with GetBody", Retry{}, large, 1, func(r *http.Request) { getBody(r, "x") }},
		{"a large one", Retry{}, large, 1 << 20, nil},
		{"one that is sent once", Retry{MaxAttempts: 1}, large, 1, nil},
		{"one that the caller wants to be sent once", Retry{}, large, 1, func(r *http.Request) { *r = *r.WithContext(WithoutRetry(r.Context())) }},
	} {
		req := newRequest(t, http.MethodPut, "http://a.test", nil)
		req.Body, req.ContentLength = test.body, test.size
		if test.with != nil {
			test.with(req)
		}
		var seen *http.Request
		test.r.Wrap(Func(func(r *http.Request) (*http.Response, error) {
			seen = r
			return answer(r, 200, ""), nil
		})).RoundTrip(req)
		if seen != req {
			t.Errorf("%s: the request was copied", test.name)
		}
	}
}

func TestRetryOfAFileWithAnOffset(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("skipped|sent")
	f.Seek(8, io.SeekStart)
	base := script(503, 200)
	req := newRequest(t, http.MethodPut, "http://a.test", f)
	send(t, atOnce(Retry{}).Wrap(base), req)
	if !slices.Equal(base.bodies, []string{"sent", "sent"}) {
		t.Errorf("the attempts carried %q, want what follows the offset", base.bodies)
	}
}

// A transport may be busy with a request when its RoundTrip has returned. What
// was sent stays as it was, however many attempts follow.
func TestRetryLeavesAloneWhatItSent(t *testing.T) {
	for name, sent := range map[string]io.Reader{
		"no body":       nil,
		"with GetBody":  strings.NewReader("data"),
		"body recorded": io.MultiReader(strings.NewReader("data")),
	} {
		base := script(503)
		var then []http.Request
		rt := atOnce(Retry{MaxAttempts: 5}).Wrap(Func(func(req *http.Request) (*http.Response, error) {
			then = append(then, *req)
			return base.RoundTrip(req)
		}))
		send(t, rt, newRequest(t, http.MethodPut, "http://a.test", sent))
		for i, now := range base.sent {
			if now.Body != then[i].Body || now.Context() != then[i].Context() {
				t.Errorf("%s: the request of attempt %d was changed later", name, i+1)
			}
		}
		if len(then) != 5 {
			t.Errorf("%s: %d attempts, want 5", name, len(then))
		}
	}
}

func TestRetryStreamsUploads(t *testing.T) {
	// A server answers each line before the next one is written.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(200)
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			w.Write(buf[:n])
			http.NewResponseController(w).Flush()
			if err != nil {
				return
			}
		}
	}))
	defer server.Close()
	tr, _ := pool(t)
	pr, pw := io.Pipe()
	go io.WriteString(pw, "one")
	resp, err := Retry{}.Wrap(tr).RoundTrip(newRequest(t, http.MethodPut, server.URL, pr))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 3)
	for _, word := range []string{"one", "two", "six"} {
		if word != "one" {
			io.WriteString(pw, word)
		}
		if _, err := io.ReadFull(resp.Body, buf); err != nil || string(buf) != word {
			t.Fatalf("read %q, %v; want %q", buf, err, word)
		}
	}
	pw.Close()
	io.Copy(io.Discard, resp.Body)
}
