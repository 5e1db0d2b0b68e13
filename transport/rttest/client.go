package rttest

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
)

// What is the http.Client's business stays with it.
var clientRules = []rule{
	{"redirects", "redirects are the client's business: a round trip returns the 3xx, and CheckRedirect decides", memory, redirects},
	{"redirected-body", "the client sends the body of a 307 again, whole, by the caller's GetBody", memory, redirectedBody},
	{"cookies", "cookies are the client's business: the Jar gets those of every answer, each request has the Jar's and no others", memory, cookies},
}

// detour is a base that redirects /a to /b with a cookie, and answers /b with
// what it was sent.
func detour(status int) *Scripted {
	return Script(func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/b" {
			var body strings.Builder
			if req.Body != nil {
				fmt.Fprint(&body, req.Method, " ")
				buf := make([]byte, 64)
				n, _ := req.Body.Read(buf)
				body.Write(buf[:n])
			}
			return answer(req, http.StatusOK, body.String()), nil
		}
		resp := answer(req, status, "over there")
		resp.Header.Set("Location", "/b")
		resp.Header.Add("Set-Cookie", "seen=1; Path=/")
		return resp, nil
	})
}

func redirects(p *probe) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		rt := p.wrap(detour(status))
		url := "http://" + p.host()
		if resp := p.fetch(rt, p.requestTo(url+"/a", http.MethodGet, nil)); resp.StatusCode != status {
			p.fault("the round trip that was answered %d returned %d", status, resp.StatusCode)
		}

		var asked []string
		client := http.Client{Transport: rt, CheckRedirect: func(req *http.Request, via []*http.Request) error {
			asked = append(asked, fmt.Sprintf("%s after %d", req.URL.Path, len(via)))
			return nil
		}}
		resp, err := client.Do(p.requestTo(url+"/a", http.MethodGet, nil))
		if err != nil {
			p.fatal("a client that follows a %d: %v", status, err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/b" || !slices.Equal(asked, []string{"/b after 1"}) {
			p.fault("following a %d ended with %d at %s, CheckRedirect was asked for %q", status, resp.StatusCode, resp.Request.URL.Path, asked)
		}

		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		resp, err = client.Do(p.requestTo(url+"/a", http.MethodGet, nil))
		if err != nil {
			p.fatal("a client that does not follow a %d: %v", status, err)
		}
		text, err := p.read(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != status || text != "over there" || err != nil {
			p.fault("with ErrUseLastResponse a %d came back as %d, %q, %v", status, resp.StatusCode, text, err)
		}
	}
}

func redirectedBody(p *probe) {
	script := detour(http.StatusTemporaryRedirect)
	client := http.Client{Transport: p.wrap(script)}
	resp, err := client.Do(p.requestTo("http://"+p.host()+"/a", http.MethodPost, strings.NewReader("body")))
	if err != nil {
		p.fatal("the call failed: %v", err)
	}
	defer resp.Body.Close()
	if text, err := p.read(resp.Body); text != "POST body" || err != nil {
		p.fault("the redirected request arrived as %q, %v", text, err)
	}
}

func cookies(p *probe) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.fatal("the suite's own jar: %v", err)
	}
	script := detour(http.StatusFound)
	rt := p.wrap(script)
	url := "http://" + p.host() + "/a"
	for _, client := range []http.Client{{Transport: rt, Jar: jar}, {Transport: rt}} {
		resp, err := client.Do(p.requestTo(url, http.MethodGet, nil))
		if err != nil {
			p.fatal("the call failed: %v", err)
		}
		resp.Body.Close()
	}
	var got []string
	for _, sent := range script.Sent() {
		got = append(got, fmt.Sprint(sent.Request.URL.Path, sent.Request.Header["Cookie"]))
	}
	if want := []string{"/a[]", "/b[seen=1]", "/a[]", "/b[]"}; !slices.Equal(got, want) {
		p.fault("with a Jar, then without one, the cookies sent were %q instead of %q", got, want)
	}
}
