package fallback_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

func TestStaticAnswersReadsUnlessToldMore(t *testing.T) {
	for _, row := range []struct {
		method string
		more   []string
		want   bool
	}{
		{"GET", nil, true}, {"HEAD", nil, true}, {"", nil, true}, {"POST", nil, false}, {"DELETE", nil, false},
		{"POST", []string{"POST"}, true}, {"PUT", []string{"POST"}, false}, {"GET", []string{"POST"}, true},
	} {
		step := fallback.JSON(200, map[string]int{"n": 1}, row.more...)
		resp, err := step.Do(request(t, row.method, "http://example.com/", ""), transport.Verdict{})
		if row.want != (err == nil) || !row.want && !errors.Is(err, fallback.ErrNoAnswer) {
			t.Errorf("%s with %v: %v", row.method, row.more, err)
			continue
		}
		if err != nil {
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		want := `{"n":1}`
		if row.method == "HEAD" {
			want = ""
		}
		if string(body) != want || resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Content-Length") != "7" || resp.ContentLength != 7 {
			t.Errorf("%s: got %q, %v", row.method, body, resp)
		}
	}
}

func TestJSONWithoutAFormPanics(t *testing.T) {
	defer func() {
		if err, ok := recover().(error); !ok || !strings.HasPrefix(err.Error(), "fallback: JSON: ") {
			t.Errorf("got %v", err)
		}
	}()
	fallback.JSON(200, func() {})
}

func TestWhatMayBeSentToSomebodyElse(t *testing.T) {
	for _, row := range []struct {
		does    string
		method  string
		lines   string
		verdict transport.Verdict
		want    bool
	}{
		{"GET", "GET", "", transport.Verdict{}, true},
		{"PUT is idempotent", "PUT", "", transport.Verdict{}, true},
		{"DELETE is idempotent", "DELETE", "", transport.Verdict{}, true},
		{"POST may have been done", "POST", "", transport.Verdict{}, false},
		{"POST with a key", "POST", "Idempotency-Key: k", transport.Verdict{}, true},
		{"POST that was not sent", "POST", "", transport.Verdict{Sent: transport.Unsent}, true},
		{"POST that was answered 503", "POST", "", transport.Verdict{Category: transport.System, Sent: transport.Answered}, false},
		{"POST that was turned away", "POST", "", transport.Verdict{Category: transport.RateLimit, Sent: transport.Answered}, true},
		{"PATCH", "PATCH", "", transport.Verdict{}, false},
	} {
		o := new(origin)
		o.says(200, "", "alternate")
		_, err := fallback.Alternate(o).Do(request(t, row.method, "http://example.com/", row.lines), row.verdict)
		if got := err == nil; got != row.want || o.calls() != map[bool]int{true: 1}[got] {
			t.Errorf("%s: sent: %v, want %v (%v)", row.does, got, row.want, err)
		}
	}
}

func TestUnsafeMethodsAreSentWhateverBecameOfThem(t *testing.T) {
	for _, v := range []transport.Verdict{
		{},
		{Category: transport.System, Sent: transport.Answered},
		{Category: transport.Data, Sent: transport.Answered},
		{Category: transport.TimedOut, Sent: transport.Maybe},
	} {
		o := new(origin)
		o.says(200, "", "alternate")
		step := fallback.Alternative{UnsafeMethods: true}.Step(o)
		if _, err := step.Do(request(t, "POST", "http://example.com/", ""), v); err != nil || o.calls() != 1 {
			t.Errorf("POST that was %v (%v): %v after %d calls", v.Category, v.Sent, err, o.calls())
		}
	}
}

func TestAnAlternatesBody(t *testing.T) {
	var got string
	rt := transport.Func(func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			b, _ := io.ReadAll(req.Body)
			req.Body.Close()
			got = string(b)
		}
		return response(req, 200, "", "ok"), nil
	})
	put := func(getBody func() (io.ReadCloser, error)) error {
		got = ""
		req := request(t, "PUT", "http://example.com/", "")
		req.Body, req.GetBody, req.ContentLength = io.NopCloser(strings.NewReader("")), getBody, 4
		_, err := fallback.Alternate(rt).Do(req, transport.Verdict{})
		return err
	}
	if err := put(func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("body")), nil }); err != nil || got != "body" {
		t.Errorf("with GetBody: %q, %v", got, err)
	}
	if err := put(nil); err == nil || errors.Is(err, fallback.ErrNoAnswer) {
		t.Errorf("without GetBody: %v", err)
	}
	broken := errors.New("broken")
	if err := put(func() (io.ReadCloser, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("with a broken GetBody: %v", err)
	}
}

func TestCredentialsGoNoFurtherThanTrustDoes(t *testing.T) {
	const lines = "Authorization: a|cookie: b|X-Api-Key: c|X-Mine: d|X-Acme-Token: t|Accept: e|Idempotency-Key: f"
	for _, row := range []struct {
		does   string
		alt    fallback.Alternative
		want   string
		secret bool
	}{
		{"nobody knows where it leads", fallback.Alternative{}, "http://example.com/a%2Fb?q=1", false},
		{"another host", fallback.Alternative{URL: "https://eu.example.com"}, "https://eu.example.com/a%2Fb?q=1", false},
		{"another host, trusted", fallback.Alternative{URL: "https://eu.example.com", SameTrust: true}, "https://eu.example.com/a%2Fb?q=1", true},
		{"another path", fallback.Alternative{URL: "http://EXAMPLE.com/v2/x%20y/"}, "http://EXAMPLE.com/v2/x%20y/a%2Fb?q=1", true},
		{"another path, and Host named another", fallback.Alternative{URL: "http://example.com/v2"}, "http://example.com/v2/a%2Fb?q=1", false},
		{"another scheme", fallback.Alternative{URL: "https://example.com"}, "https://example.com/a%2Fb?q=1", false},
		{"another port", fallback.Alternative{URL: "http://example.com:81"}, "http://example.com:81/a%2Fb?q=1", false},
	} {
		t.Run(row.does, func(t *testing.T) {
			o := new(origin)
			o.says(200, "Cache-Status: safetrip; hit", "ok")
			row.alt.Credentials = []string{"X-Mine"}
			req := request(t, "GET", "http://user:pass@example.com/a%2Fb?q=1", lines)
			if row.does != "another path" {
				req.Host = "virtual.example.com"
			}
			before := req.Header.Clone()
			resp, err := row.alt.Step(o).Do(req, transport.Verdict{})
			if err != nil {
				t.Fatal(err)
			}
			sent := o.last()
			bare := *sent.URL
			bare.User = nil
			if bare.String() != row.want {
				t.Errorf("it went to %s, want %s", bare.String(), row.want)
			}
			for _, name := range []string{"Authorization", "cookie", "X-Api-Key", "X-Mine", "X-Acme-Token"} {
				if _, there := sent.Header[name]; there != row.secret {
					t.Errorf("%s was sent: %v, want %v", name, there, row.secret)
				}
			}
			if (sent.URL.User != nil) != row.secret {
				t.Errorf("user and password: %v", sent.URL.User)
			}
			if sent.Header.Get("Accept") != "e" || sent.Header.Get("Idempotency-Key") != "f" {
				t.Error("an innocent header got lost")
			}
			if row.alt.URL != "" && sent.Host != "" {
				t.Errorf("Host is %q", sent.Host)
			}
			if len(before) != len(req.Header) || req.URL.User == nil || req.Host == "" {
				t.Error("the caller's request was changed")
			}
			if resp.Request != req || resp.Header.Get("Cache-Status") != "upstream-safetrip; hit" {
				t.Errorf("got %+v", resp)
			}
		})
	}
}

func TestCredentialsInAQueryGoNoFurtherThanTrustDoes(t *testing.T) {
	another := func(query string) func(*http.Request) error {
		return func(req *http.Request) error {
			req.URL.RawQuery = query
			return nil
		}
	}
	for _, row := range []struct {
		does, query string
		alt         fallback.Alternative
		want        bool
	}{
		{"a key", "q=1&key=AIza", fallback.Alternative{}, false},
		{"in letters of the other case", "API_KEY=x", fallback.Alternative{}, false},
		{"a signature", "X-Amz-Signature=x", fallback.Alternative{}, false},
		{"one with nothing in it", "key=", fallback.Alternative{}, true},
		{"none", "q=1&page=2", fallback.Alternative{}, true},
		{"a query that cannot be read", "q=1;key=x", fallback.Alternative{}, false},
		{"a key, and trust", "key=x", fallback.Alternative{SameTrust: true}, true},
		{"a key that Prepare took out", "q=1&key=x", fallback.Alternative{Prepare: another("q=1")}, true},
		{"a key that Prepare put another in place of", "key=x", fallback.Alternative{Prepare: another("key=y")}, true},
		{"a key that Prepare left", "key=x", fallback.Alternative{Prepare: another("key=y&key=x")}, false},
	} {
		o := new(origin)
		o.says(200, "", "ok")
		row.alt.URL = "https://eu.example.com"
		_, err := row.alt.Step(o).Do(request(t, "GET", "https://example.com/?"+row.query, ""), transport.Verdict{})
		if sent := o.calls() == 1; sent != row.want || (err == nil) != row.want {
			t.Errorf("%s: sent: %v, want %v; %v", row.does, sent, row.want, err)
		}
		if err != nil && strings.Contains(err.Error(), "AIza") {
			t.Errorf("%s: the error tells it: %v", row.does, err)
		}
	}
}

func TestAHostThatIsNotTrustedGetsNothingByItsAnswer(t *testing.T) {
	for _, row := range []struct {
		does    string
		alt     fallback.Alternative
		trusted bool
	}{
		{"another host", fallback.Alternative{URL: "https://eu.example.com"}, false},
		{"another host, trusted", fallback.Alternative{URL: "https://eu.example.com", SameTrust: true}, true},
		{"the same host", fallback.Alternative{URL: "https://example.com/v1"}, true},
		{"nobody knows which", fallback.Alternative{}, false},
	} {
		o := new(origin)
		step := row.alt.Step(o)
		ask := func() (*http.Response, error) {
			return step.Do(request(t, "GET", "https://example.com/", "X-Api-Key: secret"), transport.Verdict{})
		}
		o.says(307, "Location: https://evil.example/", "")
		if _, err := ask(); (err == nil) != row.trusted {
			t.Errorf("%s: a redirect: %v", row.does, err)
		}
		o.says(200, "Set-Cookie: session=evil|set-cookie: session=evil", "ok")
		resp, err := ask()
		if err != nil {
			t.Fatal(err)
		}
		//lint:ignore SA1008 the odd spelling is what this is about
		if got := resp.Header["Set-Cookie"] != nil || resp.Header["set-cookie"] != nil; got != row.trusted {
			t.Errorf("%s: it sets a cookie: %v", row.does, got)
		}
		o.says(304, "Etag: x", "")
		if _, err := ask(); err != nil {
			t.Errorf("%s: a 304: %v", row.does, err)
		}
	}
}

func TestAnAlternateThatFailsIsNoAnswer(t *testing.T) {
	for _, status := range []int{404, 401, 429, 500, 503} {
		o := new(origin)
		o.says(status, "", "no")
		if resp, err := fallback.Alternate(o).Do(request(t, "GET", "http://example.com/", ""), transport.Verdict{}); err == nil || resp != nil || o.closed != 1 {
			t.Errorf("%d: %v, %v, closed %d times", status, resp, err, o.closed)
		}
	}
	if _, err := fallback.Alternate(transport.Func(func(*http.Request) (*http.Response, error) { return nil, nil })).Do(request(t, "GET", "http://example.com/", ""), transport.Verdict{}); err == nil {
		t.Error("neither response nor error")
	}
	if _, err := fallback.Alternate(transport.Func(func(*http.Request) (*http.Response, error) { return nil, errDown })).Do(request(t, "GET", "http://example.com/", ""), transport.Verdict{}); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
}

func TestPrepare(t *testing.T) {
	o := new(origin)
	o.says(200, "", "ok")
	alt := fallback.Alternative{URL: "http://eu.example.com", Prepare: func(req *http.Request) error {
		req.Header.Set("Authorization", "theirs")
		return nil
	}}
	if _, err := alt.Step(o).Do(request(t, "GET", "http://example.com/", "Authorization: ours"), transport.Verdict{}); err != nil || o.last().Header.Get("Authorization") != "theirs" {
		t.Errorf("%v, %v", err, o.last().Header)
	}
	alt.Prepare = func(*http.Request) error { return errDown }
	if _, err := alt.Step(o).Do(request(t, "GET", "http://example.com/", ""), transport.Verdict{}); !errors.Is(err, errDown) || o.calls() != 1 {
		t.Errorf("%v after %d calls", err, o.calls())
	}
}

func TestTheContextGoesWithAnAlternate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rt := transport.Func(func(req *http.Request) (*http.Response, error) { return nil, req.Context().Err() })
	req := request(t, "GET", "http://example.com/", "").WithContext(ctx)
	if _, err := fallback.Alternate(rt).Do(req, transport.Verdict{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestImpossibleSettings(t *testing.T) {
	for _, row := range []struct {
		does string
		err  error
		want []string
	}{
		{"Cache", (&fallback.Cache{
			Coalesce: true, Heuristic: true, MaxBytes: -1, MaxBody: -1, StoreTimeout: -1, Secret: []byte("short"),
			OldSecrets: [][]byte{[]byte("x"), nil, nil, nil, nil}, Store: new(lyingStore), Credentials: []string{""},
		}).Validate(), []string{"Coalesce", "Heuristic", "MaxBytes is -1", "MaxBody is -1", "StoreTimeout", "Secret has 5 bytes", "OldSecrets[0]", "OldSecrets has 5", "Namespace", "Credentials"}},
		{"Cache with a Memory that is none", (&fallback.Cache{Store: (*fallback.Memory)(nil)}).Validate(), []string{"nil *Memory"}},
		{"Cache with a Store", (&fallback.Cache{Store: new(lyingStore)}).Validate(), []string{"Namespace", "Secret is missing"}},
		{"Ladder", (&fallback.Ladder{Steps: []fallback.Step{{Name: "x"}}, MaxKeys: -1}).Validate(), []string{"Steps[0]", "MaxKeys is -1"}},
		{"Alternative", fallback.Alternative{URL: "eu.example.com"}.Validate(), []string{"URL"}},
		{"Alternative with a query", fallback.Alternative{URL: "http://eu.example.com?x"}.Validate(), []string{"URL"}},
	} {
		if row.err == nil {
			t.Errorf("%s: no error", row.does)
			continue
		}
		for _, want := range row.want {
			if !strings.Contains(row.err.Error(), want) {
				t.Errorf("%s: %q does not say %q", row.does, row.err, want)
			}
		}
		for line := range strings.SplitSeq(row.err.Error(), "\n") {
			if !strings.HasPrefix(line, "fallback: ") {
				t.Errorf("%s: %q does not begin with the package", row.does, line)
			}
		}
	}
	for does, wrap := range map[string]func(){
		"Cache":       func() { (&fallback.Cache{MaxBody: -1}).Wrap(nil) },
		"Ladder":      func() { (&fallback.Ladder{MaxKeys: -1}).Wrap(nil) },
		"Alternative": func() { fallback.Alternative{URL: ":"}.Step(nil) },
	} {
		func() {
			defer func() {
				if _, ok := recover().(error); !ok {
					t.Errorf("%s does not panic with an error", does)
				}
			}()
			wrap()
		}()
	}
	if err := (&fallback.Cache{MaxBody: -1}).Run(t.Context()); err == nil {
		t.Error("Run of a Cache that is not valid returns no error")
	}
	if _, err := (&fallback.Cache{MaxBody: -1}).Step().Do(request(t, "GET", "http://example.com/", ""), transport.Verdict{}); err == nil {
		t.Error("nor does its Step")
	}
}

func TestFieldsAreReadAtTheFirstWrap(t *testing.T) {
	c := &fallback.Cache{ServeFresh: true}
	o := new(origin)
	rt := c.Wrap(o)
	c.ServeFresh = false
	o.says(200, "Cache-Control: max-age=60", "good")
	get(t, rt, "http://example.com/", "")
	get(t, c.Wrap(o), "http://example.com/", "")
	if o.calls() != 1 {
		t.Errorf("%d calls", o.calls())
	}
	steps := []fallback.Step{answering("one")}
	l := &fallback.Ladder{Steps: steps}
	rt = l.Wrap(o)
	steps[0] = answering("two")
	o.dies()
	if _, body := get(t, rt, "http://example.com/", ""); body != "one" {
		t.Errorf("got %q", body)
	}
}
