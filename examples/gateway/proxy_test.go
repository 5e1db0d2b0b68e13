package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// everyCache runs a test with the gateway in each of its ways: a good proxy is
// one in all of them.
func everyCache(t *testing.T, h http.HandlerFunc, test func(t *testing.T, o *origin, p *program)) {
	t.Helper()
	for _, cache := range []string{cacheOff, cacheFallback, cacheFresh} {
		t.Run(cache, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t)
			o.does(h)
			test(t, o, start(t, o.URL, "-cache", cache))
		})
	}
}

func TestEventsArriveAsTheyAreSent(t *testing.T) {
	for _, media := range []string{"text/event-stream", "application/x-ndjson", "application/octet-stream"} {
		t.Run(media, func(t *testing.T) {
			everyCache(t, nil, func(t *testing.T, o *origin, p *program) {
				next := make(chan bool)
				o.does(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", media)
					for i := 0; ; i++ {
						fmt.Fprintf(w, "event %d\n", i)
						if err := http.NewResponseController(w).Flush(); err != nil {
							return
						}
						select {
						case more := <-next:
							if !more {
								return
							}
						case <-r.Context().Done():
							return
						}
					}
				})
				resp, err := client(t).Get(p.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				lines := bufio.NewReader(resp.Body)
				for i := range 3 {
					if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("event %d\n", i) {
						t.Fatalf("event %d: %q, %v", i, line, err)
					}
					next <- i < 2
				}
				if _, err := lines.ReadByte(); err != io.EOF {
					t.Errorf("the end: %v", err)
				}
			})
		})
	}
}

func TestUploadsArriveAsTheyAreSent(t *testing.T) {
	everyCache(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if err := rc.EnableFullDuplex(); err != nil {
			panic(err)
		}
		for lines := bufio.NewReader(r.Body); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprint(w, "got ", line)
			if err := rc.Flush(); err != nil {
				return
			}
		}
	}, func(t *testing.T, _ *origin, p *program) {
		conn, r := dial(t, p.URL)
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		for i := range 3 {
			line := fmt.Sprintf("line %d\n", i)
			fmt.Fprintf(conn, "%x\r\n%s\r\n", len(line), line)
			for {
				got, err := r.ReadString('\n')
				if err != nil {
					t.Fatalf("line %d: %v", i, err)
				}
				if got == "got "+line {
					break
				}
			}
		}
	})
}

func TestAnUpgradePasses(t *testing.T) {
	everyCache(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "echo" || r.Header.Get("Connection") != "Upgrade" {
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.Copy(conn, rw)
	}, func(t *testing.T, _ *origin, p *program) {
		conn, r := dial(t, p.URL)
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Upgrade") != "echo" {
			t.Fatalf("got %v, %v", resp, err)
		}
		for _, word := range []string{"one\n", "two\n"} {
			fmt.Fprint(conn, word)
			if got, err := r.ReadString('\n'); got != word || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		}
	})
}

func TestTrailersPassBothWays(t *testing.T) {
	everyCache(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.WriteString(w, "body")
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Sent"))
		w.Header().Set(http.TrailerPrefix+"X-More", "1")
	}, func(t *testing.T, _ *origin, p *program) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL, io.NopCloser(strings.NewReader("x")))
		if err != nil {
			t.Fatal(err)
		}
		req.Trailer = http.Header{"X-Sent": {"sent"}}
		resp, err := client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		if resp.Trailer.Get("X-Sum") != "sent" || resp.Trailer.Get("X-More") != "1" {
			t.Errorf("the trailer is %v", resp.Trailer)
		}
	})
}

func TestAnExpectationIsTheOriginsToMeet(t *testing.T) {
	everyCache(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d", len(b))
	}, func(t *testing.T, _ *origin, p *program) {
		conn, r := dial(t, p.URL)
		fmt.Fprint(conn, "PUT /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusExpectationFailed {
			t.Errorf("to a body that is not wanted: %v, %v", resp, err)
		}
		conn, r = dial(t, p.URL)
		fmt.Fprint(conn, "PUT /yes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusContinue {
			t.Fatalf("before the body: %v, %v", resp, err)
		}
		fmt.Fprint(conn, "12345")
		for {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode == http.StatusContinue { // the origin's own, passed on
				continue
			}
			if b, _ := io.ReadAll(resp.Body); string(b) != "5" {
				t.Errorf("got %d %q", resp.StatusCode, b)
			}
			return
		}
	})
}

func TestEarlyHintsPass(t *testing.T) {
	everyCache(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
	}, func(t *testing.T, _ *origin, p *program) {
		hints := 0
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints && h.Get("Link") != "" {
				hints++
			}
			return nil
		}})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if hints != 1 {
			t.Errorf("%d hints", hints)
		}
	})
}

func TestWhatTheOriginSees(t *testing.T) {
	everyCache(t, says("200 one"), func(t *testing.T, o *origin, p *program) {
		send(t, client(t), p.URL, "GET /a%2Fb//c?x=1;y=%zz&&z|Host: public.example|X-Forwarded-For: 6.6.6.6|Connection: X-Hop|X-Hop: 1|X-End: 2|Te: trailers")
		r := o.last()
		if r.RequestURI != "/a%2Fb//c?x=1;y=%zz&&z" {
			t.Errorf("the target is %q", r.RequestURI)
		}
		if r.Host != strings.TrimPrefix(o.URL, "http://") || r.Header.Get("X-Forwarded-For") != "127.0.0.1" || r.Header["X-Forwarded-Host"] != nil {
			t.Errorf("Host %q, %v", r.Host, r.Header)
		}
		if r.Header.Get("X-Hop") != "" || r.Header.Get("X-End") != "2" || r.Header.Get("Via") != "1.1 safetrip-gateway" {
			t.Errorf("the header is %v", r.Header)
		}
		for _, name := range []string{"User-Agent", "Accept-Encoding"} {
			if v, ok := r.Header[name]; ok {
				t.Errorf("%s: %q was added", name, v)
			}
		}
		p = start(t, o.URL, "-keep-host")
		send(t, client(t), p.URL, "GET /|Host: public.example|X-Forwarded-Host: evil.example")
		if r := o.last(); r.Host != "public.example" || r.Header.Get("X-Forwarded-Host") != "public.example" {
			t.Errorf("with -keep-host: Host %q, %v", r.Host, r.Header)
		}
	})
}

func TestCompressedStaysCompressed(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, strings.Repeat("good", 1000))
	z.Close()
	everyCache(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		w.Header().Set("Cache-Control", "max-age=60")
		w.Write(packed.Bytes())
	}, func(t *testing.T, _ *origin, p *program) {
		for range 2 {
			resp, body := send(t, client(t), p.URL, "GET /|Accept-Encoding: gzip")
			if body != packed.String() || resp.Header.Get("Content-Encoding") != "gzip" || resp.ContentLength != int64(packed.Len()) {
				t.Errorf("%d bytes, %v", len(body), resp.Header)
			}
		}
	})
}

func TestACutBodyIsCutForTheClientToo(t *testing.T) {
	everyCache(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "only this")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, func(t *testing.T, o *origin, p *program) {
		for n := range 2 {
			resp, err := client(t).Get(p.URL)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("%q, and no error", body)
			}
			resp.Body.Close()
			if o.calls() != n+1 {
				t.Errorf("call %d was not the origin's to answer", n+1)
			}
		}
	})
}

func TestWhoseFaultItIs(t *testing.T) {
	everyCache(t, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done() // it hangs
	}, func(t *testing.T, o *origin, _ *program) {
		cache := strings.TrimPrefix(t.Name(), "TestWhoseFaultItIs/")
		p := start(t, o.URL, "-timeout", "50ms", "-cache", cache)
		if resp, body := send(t, client(t), p.URL, "GET /"); resp.StatusCode != http.StatusGatewayTimeout || body != "Gateway Timeout\n" || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("an origin that hangs: %d %q %v", resp.StatusCode, body, resp.Header)
		}
		p = start(t, o.URL, "-cache", cache)
		o.Close()
		for {
			resp, _ := send(t, client(t), p.URL, "GET /")
			if resp.StatusCode == http.StatusServiceUnavailable {
				if resp.Header.Get("Retry-After") == "" {
					t.Error("an open circuit does not say for how long")
				}
				return
			}
			if resp.StatusCode != http.StatusBadGateway {
				t.Fatalf("an origin that is gone: %d", resp.StatusCode)
			}
		}
	})
}

func TestRetriesAreAskedFor(t *testing.T) {
	for flag, want := range map[string]int{"0": 1, "1": 2} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t)
			o.does(says("503 down"))
			p := start(t, o.URL, "-retries", flag)
			if resp, _ := send(t, client(t), p.URL, "GET /"); resp.StatusCode != http.StatusServiceUnavailable || o.calls() != want {
				t.Errorf("%d after %d calls, want %d", resp.StatusCode, o.calls(), want)
			}
			before := o.calls()
			send(t, client(t), p.URL, "POST /")
			if o.calls() != before+1 {
				t.Error("a POST was sent again")
			}
		})
	}
}

func TestConnectIsNotForUs(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	o.does(says("200 one"))
	p := start(t, o.URL)
	conn, r := dial(t, p.URL)
	fmt.Fprint(conn, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusMethodNotAllowed || o.calls() != 0 {
		t.Errorf("got %v, %v", resp, err)
	}
}

func TestCoalescing(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	o := newOrigin(t)
	o.does(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "one")
	})
	p := start(t, o.URL, "-cache", "fresh")
	answers := make(chan string)
	for range 10 {
		go func() {
			resp, err := client(t).Get(p.URL)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			answers <- string(b)
		}()
	}
	<-time.After(200 * time.Millisecond) // let them all come; those that come later are hits
	close(release)
	for range 10 {
		if got := <-answers; got != "one" {
			t.Errorf("got %q", got)
		}
	}
	if o.calls() != 1 {
		t.Errorf("the origin was asked %d times", o.calls())
	}
}
