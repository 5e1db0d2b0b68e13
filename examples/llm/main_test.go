package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/safetrip-go/safetrip/transport"
)

const some = `[\d.]+(?:ms|s)` // a duration

// The rows of the table, by what the service does. The first expression is what
// the library comes to as it is (Gemini's does not retry, so it has its own),
// the second one what it comes to with the kit.
var rows = []struct{ does, bare, gemini, kit string }{
	{"429, retry-after-ms: 60", `large 429 200 +` + some, `lost  429 .*`, `large 429 200 +waited 60ms`},
	{"429, Retry-After: 1", `large 429 200 +1[\d.]*s`, `lost  429 .*`, `large 429 200 +waited 1s`},
	{"503, twice", `large 503 503 200 +` + some, `lost  503 .*`, `large 503 503 200 +waited \d+ms \d+ms`},
	{"500, once", `large 500 200 +` + some, `lost  500 .*`, `small 500 +alternate`},
	{"503, x-should-retry: false", `lost  503 +` + some, `lost  503 .*`, `small 503 +alternate`},
	{"5[02][39] without end", `lost  (503 503 503|529 529 529) +` + some, `lost  503 .*`, `small (503 503 503 503|529 529 529 529) waited 30ms \d+ms \d+ms, alternate`},
	{"an answer cut in half", `(lost  200|large 200 200) +` + some, `lost  200 .*`, `small 200 +alternate`},
	{"stream", `large 200 +6 of 6, 5 held`, `large 200 +6 of 6, 5 held`, `large 200 +6 of 6, 5 held`},
	{"stream, 429 first", `large 429 200 +6 of 6, 5 held`, `lost  429`, `large 429 200 +6 of 6, 5 held, waited 60ms`},
	{"stream, 5[02][39] without end", `lost  (503 503 503|529 529 529)`, `lost  503`, `small (503 503 503 503|529 529 529 529) 6 of 6, 5 held, waited 30ms \d+ms \d+ms, alternate`},
	{"stream, cut after 3 of 6", `lost  200 +3 of 6, 5 held`, `lost  200 +3 of 6, 5 held`, `lost  200 +3 of 6, 5 held`},
}

func TestTheTableSaysWhatEachLibraryCameTo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out.String())
	blocks := strings.Split(out.String(), "\n\n")
	if len(blocks) != 5 {
		t.Fatalf("%d parts; want a line, three libraries and a sum", len(blocks))
	}
	for i, block := range blocks[1:4] {
		for _, row := range rows {
			bare := row.bare
			if i == 0 {
				bare = row.gemini
			}
			want := regexp.MustCompile(`(?m)^  ` + row.does + ` +` + bare + ` +` + row.kit + `$`)
			if !want.MatchString(block) {
				t.Errorf("%s: no line matches %s", sdks[i].name, want)
			}
		}
		if want := `detail="cheaper model" · Trip: alternate, "cheaper model", degraded`; !strings.Contains(block, want) {
			t.Errorf("%s: an answer of the small model is not marked with %s", sdks[i].name, want)
		}
	}
	for i, want := range []string{`3 +4 +12`, `3 +4 +6`, `3 +4 +6`} {
		if !regexp.MustCompile(regexp.QuoteMeta(sdks[i].name) + ` +` + want).MatchString(blocks[4]) {
			t.Errorf("%s: the requests of nested retries are not %s", sdks[i].name, want)
		}
	}
}

func TestAnInterruptIsNobodysOutcome(t *testing.T) {
	t.Parallel()
	interrupted := errors.New("interrupted")
	ctx, interrupt := context.WithCancelCause(t.Context())
	interrupt(interrupted)
	var out bytes.Buffer
	if err := run(ctx, &out); !errors.Is(err, interrupted) || out.Len() > 0 {
		t.Errorf("it ended with %v, and printed\n%s", err, &out)
	}
}

// A figure that nothing can change says nothing: something that buffers must
// be seen.
func TestAStreamThatIsBufferedIsSeen(t *testing.T) {
	t.Parallel()
	service, err := serve(t.Context(), &openAI)
	if err != nil {
		t.Fatal(err)
	}
	defer service.server.Close()
	client := &http.Client{Transport: transport.Func(func(req *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		whole, err := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(whole))
		return resp, err
	})}
	o, err := openAI.try(t.Context(), service, scenario{stream: true}, client, 0)
	if err != nil || o.err != nil || o.held != 0 || o.first < patience {
		t.Errorf("%d pieces were held back when the first was read after %v (%v, %v); want none after %v", o.held, o.first, err, o.err, patience)
	}
}

func TestAskAnotherChangesNothingElse(t *testing.T) {
	t.Parallel()
	const doc = `{"model":"a-large","messages":[{"role":"user","content":"a-large?"}],"stream":true}`
	for _, tt := range []struct{ does, url, body, wantURL, wantBody string }{
		{"in the path", "http://x/v1beta/models/a-large:generateContent?alt=sse", doc, "http://x/v1beta/models/b:generateContent?alt=sse", doc},
		{"in the body", "http://x/v1/messages", doc, "http://x/v1/messages", `{"messages":[{"role":"user","content":"a-large?"}],"model":"b","stream":true}`},
	} {
		t.Run(tt.does, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tt.url, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if err := askAnother(req, "a-large", "b"); err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(req.Body)
			if got := req.URL.String(); err != nil || got != tt.wantURL || string(body) != tt.wantBody || req.ContentLength != int64(len(body)) {
				t.Errorf("%s with %d bytes: %s (%v)", got, req.ContentLength, body, err)
			}
		})
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/", strings.NewReader("no document"))
	if err != nil {
		t.Fatal(err)
	}
	if err := askAnother(req, "a", "b"); err == nil {
		t.Error("what is no document has no model to change")
	}
}
