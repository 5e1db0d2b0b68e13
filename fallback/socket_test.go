package fallback_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// served returns a client whose transport has a Cache in a Ladder.
func served(t *testing.T, cache *fallback.Cache, http2 bool, h http.HandlerFunc) (client *http.Client, url string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	if http2 {
		srv.EnableHTTP2 = true
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	client = srv.Client()
	base := client.Transport
	client.Transport = transport.Chain(base, (&fallback.Ladder{Steps: []fallback.Step{cache.Step()}}).Wrap, cache.Wrap)
	return client, srv.URL
}

func fetch(t *testing.T, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "error: " + err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp, string(body) + " error: " + err.Error()
	}
	return resp, string(body)
}

func TestEventsArriveBeforeTheNextIsSent(t *testing.T) {
	for _, media := range []string{"text/event-stream; charset=utf-8", "application/x-ndjson", "application/json"} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprint(media, " http2=", http2), func(t *testing.T) {
				next := make(chan bool)
				cache := new(fallback.Cache)
				client, url := served(t, cache, http2, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", media)
					for i := 0; ; i++ {
						fmt.Fprintf(w, "data: %d\n", i)
						flush(w)
						if !<-next {
							return
						}
					}
				})
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				lines := bufio.NewReader(resp.Body)
				for i := range 5 {
					if line, err := lines.ReadString('\n'); line != fmt.Sprintf("data: %d\n", i) || err != nil {
						t.Fatalf("event %d: %q, %v", i, line, err)
					}
					next <- i < 4
				}
				if _, err := lines.ReadString('\n'); err != io.EOF {
					t.Errorf("the end: %v", err)
				}
				stored := cache.State().Stored
				if want := !strings.HasPrefix(media, "text/event-stream"); (stored == 1) != want {
					t.Errorf("stored: %d", stored)
				}
			})
		}
	}
}

func TestAStreamsBodyIsNotTouched(t *testing.T) {
	body := io.NopCloser(strings.NewReader("data: 1\n\n"))
	for does, h := range map[string]http.Header{
		"SSE":         {"Content-Type": {"Text/Event-Stream"}},
		"grpc":        {"Content-Type": {"application/grpc+proto"}},
		"camera":      {"Content-Type": {"multipart/x-mixed-replace; boundary=x"}},
		"no-store":    {"Cache-Control": {"no-store"}},
		"a long body": {"Content-Length": {"2000000"}},
	} {
		length := int64(-1)
		if does == "a long body" {
			length = 2_000_000
		}
		rt := layered(stub(h, body, length))
		resp, err := rt.RoundTrip(request(t, "GET", "http://example.com/", ""))
		if err != nil || resp.Body != body {
			t.Errorf("%s: the body is another", does)
		}
	}
}

func TestABodyThatIsNotReadToItsEndIsNotStored(t *testing.T) {
	for _, row := range []struct {
		does   string
		answer http.HandlerFunc
		read   func(io.Reader) error
		want   bool
	}{
		{"cut short of its Content-Length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("only this"))
			flush(w)
			panic(http.ErrAbortHandler)
		}, drain, false},
		{"cut in its chunks", func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`{"only": "this"}`))
			flush(w)
			panic(http.ErrAbortHandler)
		}, drain, false},
		{"closed in the middle", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 10_000)) }, readBytes(100), false},
		{"all of Content-Length read, but not its end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.Write(make([]byte, 10))
		}, readBytes(10), true},
		{"decoded as JSON, with a length", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"a": 1}`)) }, decode, true},
		{"decoded as JSON, in chunks", chunks(`{"a": 1}`, "", 0), decode, true},
		{"decoded as JSON, with a new line after it", chunks(`{"a": 1}`, "\n", 0), decode, true},
		{"decoded as JSON, and the end is late", chunks(`{"a": 1}`, "", time.Second), decode, false},
		{"decoded as JSON, and a second document is late", chunks(`{"a": 1}`, `{"b": 2}`, time.Second), decode, false},
		{"decoded as JSON, and cut after it", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"a": 1}`))
			flush(w)
			panic(http.ErrAbortHandler)
		}, decode, false},
		{"over the cap", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2<<20)) }, drain, false},
		{"compressed on the way", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Write([]byte("plain"))
		}, drain, true},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprint(row.does, "/http2=", http2), func(t *testing.T) {
				cache := new(fallback.Cache)
				client, url := served(t, cache, http2, row.answer)
				call := func() {
					req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
					resp, err := client.Do(req)
					if err != nil {
						t.Fatal(err)
					}
					_ = row.read(resp.Body) // a cut body is an error
					start := time.Now()
					resp.Body.Close()
					if took := time.Since(start); took > 500*time.Millisecond {
						t.Errorf("Close took %v", took)
					}
				}
				call()
				for n := 0; row.want && cache.State().Stored == 0 && n < 20; n++ {
					call() // the machine was busy, and the end came late
				}
				if got := cache.State().Stored == 1; got != row.want {
					t.Errorf("stored: %v, want %v", got, row.want)
				}
			})
		}
	}
}

func flush(w http.ResponseWriter) {
	if err := http.NewResponseController(w).Flush(); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func drain(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func readBytes(n int) func(io.Reader) error {
	return func(r io.Reader) error {
		_, err := io.ReadFull(r, make([]byte, n))
		return err
	}
}

func decode(r io.Reader) error {
	var v map[string]int
	return json.NewDecoder(r).Decode(&v)
}

// chunks answers with two chunks of JSON, the second after a while.
func chunks(first, second string, wait time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, first)
		flush(w)
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
		io.WriteString(w, second)
	}
}

func TestTheAnswerOfARealServiceStandsIn(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		var down atomic.Bool
		cache := new(fallback.Cache)
		client, url := served(t, cache, http2, func(w http.ResponseWriter, r *http.Request) {
			if down.Load() {
				panic(http.ErrAbortHandler)
			}
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, strings.Repeat("good", 1000))
			w.Header().Set("X-Sum", "1")
		})
		first, whole := fetch(t, client, url)
		down.Store(true)
		again, body := fetch(t, client, url)
		if body != whole || again == nil || again.StatusCode != http.StatusOK || again.Header.Get("Content-Type") != "text/plain" {
			t.Fatalf("got %q, %v", body, again)
		}
		if first.Trailer.Get("X-Sum") != "1" {
			t.Errorf("the trailer got lost on the way: %v", first.Trailer)
		}
		if again.Uncompressed != first.Uncompressed {
			t.Errorf("Uncompressed is %v, was %v", again.Uncompressed, first.Uncompressed)
		}
	}
}

func TestAGivenUpResponseLeavesItsConnection(t *testing.T) {
	var down atomic.Bool
	conns := make(map[string]bool)
	cache := new(fallback.Cache)
	client, url := served(t, cache, false, func(w http.ResponseWriter, r *http.Request) {
		conns[r.RemoteAddr] = true // one call at a time
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		w.Write(make([]byte, 20_000))
	})
	fetch(t, client, url)
	down.Store(true)
	for range 10 {
		if resp, _ := fetch(t, client, url); resp == nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("got %v", resp)
		}
	}
	if len(conns) != 1 {
		t.Errorf("%d connections for 11 calls", len(conns))
	}
}

func TestAReadErrorComesThrough(t *testing.T) {
	broken := errors.New("broken")
	o := new(origin)
	o.does(func(req *http.Request) (*http.Response, error) {
		resp := response(req, 200, "", "12345678")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("1234"), errReader{broken}))
		return resp, nil
	})
	cache := new(fallback.Cache)
	resp, _ := cache.Wrap(o).RoundTrip(request(t, "GET", "http://example.com/", ""))
	if b, err := io.ReadAll(resp.Body); string(b) != "1234" || !errors.Is(err, broken) {
		t.Errorf("got %q, %v", b, err)
	}
	if s := cache.State(); s.Stored != 0 {
		t.Errorf("%+v", s)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestWhatIsBeingReadIsBounded(t *testing.T) {
	// Sixteen bodies of 100 KB at once, and room for a million bytes: some are
	// not stored, none is disturbed.
	cache := &fallback.Cache{MaxBytes: 1 << 20}
	o := new(origin)
	o.says(200, "", strings.Repeat("x", 100_000))
	rt := cache.Wrap(o)
	var open []*http.Response
	for i := range 16 {
		resp, err := rt.RoundTrip(request(t, "GET", fmt.Sprintf("http://example.com/%d", i), ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 50_000)); err != nil {
			t.Fatal(err)
		}
		open = append(open, resp)
	}
	for _, resp := range open {
		if n, err := io.Copy(io.Discard, resp.Body); n != 50_000 || err != nil {
			t.Errorf("read %d more bytes, %v", n, err)
		}
		resp.Body.Close()
	}
	if s := cache.State(); s.Stored < 5 || s.Stored > 10 {
		t.Errorf("stored %d of 16", s.Stored)
	}
	get(t, rt, "http://example.com/last", "")
	if s := cache.State(); s.Stored < 6 {
		t.Error("what was read was not given back")
	}
}
