package rttest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// calls makes n calls and lists their statuses, or their errors.
func calls(t *testing.T, base *Scripted, n int) string {
	t.Helper()
	var got []string
	for range n {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := base.RoundTrip(req)
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, resp.Status)
		resp.Body.Close()
	}
	return strings.Join(got, ", ")
}

func TestScript(t *testing.T) {
	own := func(*http.Request) (*http.Response, error) { return nil, errors.New("own error") }
	for _, test := range []struct {
		what  string
		steps []any
		want  string
	}{
		{"no step is 200", nil, "200 OK, 200 OK, 200 OK"},
		{"the last step stays", []any{503, 200}, "503 Service Unavailable, 200 OK, 200 OK"},
		{"an error is one", []any{io.ErrUnexpectedEOF, 200}, "unexpected EOF, 200 OK, 200 OK"},
		{"a string is a 200", []any{"fine"}, "200 OK, 200 OK, 200 OK"},
		{"a function says what it wants", []any{200, own}, "200 OK, own error, own error"},
	} {
		if got := calls(t, Script(test.steps...), 3); got != test.want {
			t.Errorf("%s: got %q, want %q", test.what, got, test.want)
		}
	}
}

func TestScriptPanicsAtOtherSteps(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a step that is a float did not panic")
		}
	}()
	Script(200, 0.5)
}

// The base keeps the contract that it is there to test.
func TestScriptedClosesBodies(t *testing.T) {
	over, cancel := context.WithCancelCause(t.Context())
	cancel(errCause)
	for what, edit := range map[string]func(*http.Request) *http.Request{
		"a request":                   func(r *http.Request) *http.Request { return r },
		"a request without URL":       func(r *http.Request) *http.Request { r.URL = nil; return r },
		"a request without header":    func(r *http.Request) *http.Request { r.Header = nil; return r },
		"a request that was given up": func(r *http.Request) *http.Request { return r.WithContext(over) },
	} {
		body := &Body{Reader: strings.NewReader("body")}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.test/", body)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := Script().RoundTrip(edit(req)); err == nil {
			resp.Body.Close()
		} else if what == "a request" || what == "a request that was given up" && !errors.Is(err, errCause) {
			t.Errorf("%s: %v", what, err)
		}
		if body.Closes() != 1 {
			t.Errorf("the body of %s was closed %d times", what, body.Closes())
		}
	}
}

func TestScriptedCountsOpenBodies(t *testing.T) {
	base := Script("fine")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := base.RoundTrip(req)
	if err != nil || base.Open() != 1 {
		t.Fatalf("after an answer there are %d bodies open, %v", base.Open(), err)
	}
	resp.Body.Close()
	resp.Body.Close()
	if base.Open() != 0 {
		t.Errorf("after two Closes there are %d bodies open", base.Open())
	}
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("a read after Close says %v", err)
	}
}

func TestScriptedFunctionReadsTheBody(t *testing.T) {
	base := Script(func(req *http.Request) (*http.Response, error) {
		got, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(got)))}, nil
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a.test/", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := base.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); string(got) != "body" || err != nil {
		t.Errorf("the function read %q, %v", got, err)
	}
	if sent := base.Sent(); len(sent) != 1 || string(sent[0].Body) != "body" || resp.Request != sent[0].Request {
		t.Errorf("the base remembers %+v", sent)
	}
}

func TestScriptedHasNoBodyForHead(t *testing.T) {
	for _, test := range []struct {
		method string
		status int
		length int64
	}{
		{http.MethodHead, http.StatusOK, 2},
		{http.MethodGet, http.StatusNoContent, 0},
		{http.MethodGet, http.StatusNotModified, 0},
	} {
		req, err := http.NewRequestWithContext(t.Context(), test.method, "http://a.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := Script(test.status).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Body != http.NoBody || resp.ContentLength != test.length {
			t.Errorf("%s answered %d has a body %T and length %d", test.method, test.status, resp.Body, resp.ContentLength)
		}
	}
}
