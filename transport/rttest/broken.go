package rttest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// Answers that are cut short or are none, and servers that are not there.
var brokenRules = []rule{
	{"cut-body", "a body that ends before its length is an error at the place where it was cut", sockets, cutBody},
	{"cut-chunks", "a chunked body that ends before its last chunk is an error at the place where it was cut", http1, cutChunks},
	{"no-answer", "a connection that closes without an answer is the same error as without the wrapper", http1, noAnswer},
	{"malformed", "an answer that is not HTTP is the same error as without the wrapper", http1, malformed},
	{"refused", "a connection that is refused is the same error as without the wrapper", sockets, connectionRefused},
	{"untrusted", "a certificate that nobody vouches for is the same error as without the wrapper", sockets, untrusted},
}

// says makes a server that answers with these very bytes, and hangs up.
func (p *probe) says(text string) {
	p.Helper()
	s := p.listen(func(c net.Conn) { _, _ = io.WriteString(c, text) })
	s.base.DisableKeepAlives = true
	what := fmt.Sprintf("%.60q", text)
	p.asBare(what, s.base, p.call(func() *http.Request { return p.get(s, "") }))
	p.asBare("POST: "+what, s.base, p.call(func() *http.Request {
		return p.requestTo(s.url, http.MethodPost, strings.NewReader("body"))
	}))
}

func cutBody(p *probe) {
	p.asAnswered(http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		say(w, "half")
		panic(http.ErrAbortHandler)
	})
	if !p.suite.HTTP2 {
		p.says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	}
}

func cutChunks(p *probe) {
	p.says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
	p.says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf")
	p.says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n")
}

func noAnswer(p *probe) {
	p.says("")
	p.says("HTTP/1.1 200 OK\r\nContent-Le")
}

func malformed(p *probe) {
	p.says("SSH-2.0-OpenSSH_9.9\r\n\r\n")
	p.says("HTTP/1.1 twohundred OK\r\n\r\n")
	p.says("HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n")
}

// connectionRefused dials a port that was just given up, through no proxy: a
// proxy would accept the connection and hang up, which is another case.
func connectionRefused(p *probe) {
	l, err := new(net.ListenConfig).Listen(p.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		p.fatal("the suite's own listener: %v", err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	base := &http.Transport{DisableKeepAlives: true}
	p.asBare("a refused connection", base, p.call(func() *http.Request { return p.requestTo(url, http.MethodGet, nil) }))
}

func untrusted(p *probe) {
	s := p.serveAs(true, p.suite.HTTP2, func(http.ResponseWriter, *http.Request) {})
	s.base.TLSClientConfig = nil
	p.asBare("a certificate of the test server's own", s.base, p.call(func() *http.Request { return p.get(s, "") }))
}
