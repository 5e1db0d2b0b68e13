package torture

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// What the server answers with.
const (
	small  = "answer"
	pieces = 4 // of a chunked answer
)

var (
	piece = strings.Repeat("piece ", 500)
	large = strings.Repeat("large ", 8<<10)
)

// newMux returns the service that the exchanges are made with.
func newMux(l *ledger) *http.ServeMux {
	mux := new(http.ServeMux)
	mux.HandleFunc("/small", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, small) })
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(large)))
		io.WriteString(w, large)
	})
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, _ *http.Request) {
		for range pieces {
			io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("/moved", http.RedirectHandler("/small", http.StatusFound))
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/trailers", trailers)
	mux.HandleFunc("/early", early)
	mux.HandleFunc("/upgrade", upgrade)
	mux.HandleFunc("/unwell", l.second(http.StatusServiceUnavailable))
	mux.HandleFunc("/busy", l.second(http.StatusTooManyRequests))
	return mux
}

// echo answers with the length of what it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	if body, err := io.ReadAll(r.Body); err == nil {
		fmt.Fprint(w, len(body))
	}
}

// trailers wants a trailer, and answers with one.
func trailers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "Sum")
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return
	case r.Trailer.Get("Sum") != "asked":
		http.Error(w, "no trailer", http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, len(body))
	w.Header().Set("Sum", "answered")
}

// early answers before it was sent anything.
func early(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 2 || r.Header.Get("Expect") != "" {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	// An HTTP/1 server reads on before it answers, unless told not to; and it
	// lingers for half a second after an answer if it did not read on.
	_ = http.NewResponseController(w).EnableFullDuplex()
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	w.(http.Flusher).Flush()
	io.Copy(io.Discard, r.Body)
}

// upgrade changes to a protocol in which either side says one word.
func upgrade(w http.ResponseWriter, _ *http.Request) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: word\r\n\r\n")
	word := make([]byte, len(small))
	if _, err := io.ReadFull(rw, word); err == nil {
		c.Write(word)
	}
}

// second answers a call with status until it sees it a second time.
func (l *ledger) second(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		if l.of(r).seen.Load() < 2 {
			http.Error(w, "not now", status)
			return
		}
		io.WriteString(w, small)
	}
}

// A protocol is what a client and its server speak.
type protocol string

const (
	http1    protocol = "HTTP1"
	http2    protocol = "HTTP2"
	http2TLS protocol = "HTTP2 over TLS"
)

func serve(t *testing.T, h http.Handler, p protocol) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // it complains of what we do to it
	switch p {
	case http2TLS:
		s.EnableHTTP2 = true
		s.StartTLS()
	default:
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetHTTP1(p == http1)
		s.Config.Protocols.SetUnencryptedHTTP2(p == http2)
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// newTransport returns a transport for clients of s, without a connection.
func newTransport(s *httptest.Server, p protocol, n *network) *http.Transport {
	tr := &http.Transport{DialContext: n.Dial, Protocols: s.Config.Protocols, ExpectContinueTimeout: patience}
	if p == http2TLS {
		tr.Protocols = nil
		tr.ForceAttemptHTTP2 = true
		tr.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	}
	return tr
}
