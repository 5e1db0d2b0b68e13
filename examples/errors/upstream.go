package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// An upstream is a service that fails in whatever way its path says. It has a
// second address with a certificate that nobody trusts, and a third where
// nobody listens.
type upstream struct {
	URL    string
	TLS    string
	closed string

	plain, secure *httptest.Server
}

func newUpstream() *upstream {
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.PathValue("code"))
		if err != nil {
			code = http.StatusBadRequest
		}
		w.WriteHeader(code)
	})
	mux.HandleFunc("/silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/raw/{what}", raw)
	u := &upstream{plain: httptest.NewServer(mux), secure: httptest.NewUnstartedServer(mux)}
	u.secure.Config.ErrorLog = discard
	u.secure.StartTLS()
	gone := httptest.NewServer(mux)
	gone.Close()
	u.URL, u.TLS, u.closed = u.plain.URL, u.secure.URL, gone.URL
	return u
}

func (u *upstream) close() {
	u.plain.Close()
	u.secure.Close()
}

// raw answers by what no server library would send.
func raw(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	switch r.PathValue("what") {
	case "reset":
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	case "garbage":
		_, _ = io.WriteString(conn, "this is not HTTP\r\n\r\n")
	case "cut":
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
	}
}
