package rttest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
)

// A connection that becomes something else is the caller's.
var upgradeRules = []rule{
	{"upgrade", "after a 101 the response's body is the connection: it can be written to, read from and closed", http1, upgrade},
}

func upgrade(p *probe) {
	s := p.serve(func(w http.ResponseWriter, r *http.Request) {
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(both, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		both.Flush()
		_, _ = io.Copy(conn, both)
	})
	req := p.get(s, "")
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp := p.fetch(p.wrap(s.base), req)
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != http.StatusSwitchingProtocols || !ok {
		p.fatal("the answer is %s, its body a %T", resp.Status, resp.Body)
	}
	lines := bufio.NewReader(conn)
	for i := range 2 {
		p.within("an echo over the upgraded connection", func() {
			fmt.Fprintf(conn, "ping %d\n", i)
			if line, err := lines.ReadString('\n'); line != fmt.Sprintf("ping %d\n", i) || err != nil {
				p.fault("ping %d came back as %q, %v", i, line, err)
			}
		})
	}
	p.within("closing the upgraded connection", func() { conn.Close() })
}
