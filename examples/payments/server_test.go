package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

var zero time.Time

// ask makes a request of a handler.
func ask(t *testing.T, h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

// A safeBuffer is a buffer that many may write to.
type safeBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestOverHTTP(t *testing.T) {
	t.Parallel()
	b := newBusiness(t, &script{lines: []line{resets}}, nil)
	h := routes(b.processor, b.agent.Healthz(), nil)
	good := string(rent().payload())
	for _, tt := range []struct {
		what         string
		method, path string
		body         string
		status       int
		says         string
	}{
		{"a new transaction", "POST", "/transactions", good, 202, `"state":"queued","amount":"950.00 EUR","from":"DE89…3000","to":"GB29…6819","idempotency_key":"pay_83fa`},
		{"the same once more: the sender did not hear", "POST", "/transactions", good, 200, `"id":"rent-11"`},
		{"its id with another amount", "POST", "/transactions", strings.Replace(good, "95000", "95001", 1), 409, `"field":"id","problem":"is taken`},
		{"a bad one", "POST", "/transactions", `{"id":"x","amount":-1,"iban":1}`, 422,
			`{"errors":[{"field":"\"iban\"","problem":"is no field of a transaction"},{"field":"from","problem":"is missing"},{"field":"to","problem":"is missing"},` +
				`{"field":"amount","problem":"must be from 1 to 100000000 minor units"},{"field":"currency","problem":"must be one of CHF, EUR, GBP, JPY, KWD, USD"}]}`},
		{"one that is too large", "POST", "/transactions", `{"id":"` + strings.Repeat("x", maxTransaction) + `"}`, 413, "16384 bytes"},
		{"one that is there", "GET", "/transactions/rent-11", "", 200, `"state":"queued"`},
		{"one that is not", "GET", "/transactions/rent-12", "", 404, "is not known"},
		{"a review of nothing", "GET", "/review", "", 200, "[]"},
		{"a review by nobody", "POST", "/review/rent-11/void", `{}`, 422, `"field":"reviewer"`},
		{"a review in the program's own name", "POST", "/review/rent-11/void", `{"reviewer":"payments"}`, 422, `"field":"reviewer"`},
		{"a review that is no JSON", "POST", "/review/rent-11/void", `ada`, 400, "reviewer"},
		{"a void of what is on its way", "POST", "/review/rent-11/void", `{"reviewer":"ada"}`, 409, "is not review"},
		{"a resend of what is on its way", "POST", "/review/rent-11/resend", `{"reviewer":"ada"}`, 409, "is not review"},
		{"a resend of what is not there", "POST", "/review/rent-12/resend", `{"reviewer":"ada"}`, 404, "is not known"},
		{"another method", "DELETE", "/transactions/rent-11", "", 405, ""},
	} {
		w := ask(t, h, tt.method, tt.path, tt.body)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s: %d %s; want %d with %s", tt.what, w.Code, w.Body, tt.status, tt.says)
		}
	}
}

func TestReviewOverHTTP(t *testing.T) {
	t.Parallel()
	one := rent()
	for _, tt := range []struct {
		gateway string
		lines   []line
		path    string
		status  int
		says    string
	}{
		{"takes it this time", nil, "resend", 202, ""},
		{"closes the key", []line{says(200, receipt{Key: one.key(), Status: "voided"})}, "void", 200, `"state":"voided"`},
		{"has charged it", []line{says(200, paid(one))}, "void", 409, `"state":"charged"`},
		{"cannot be asked", []line{refuses}, "void", 503, `"state":"review"`},
	} {
		t.Run(tt.gateway, func(t *testing.T) {
			t.Parallel()
			b, _ := inReview(t, tt.lines...)
			h := routes(b.processor, b.agent.Healthz(), nil)
			if w := ask(t, h, "GET", "/review", ""); !strings.Contains(w.Body.String(), `"why":"outcome unknown: network`) {
				t.Errorf("in review: %s", w.Body)
			}
			w := ask(t, h, "POST", "/review/rent-11/"+tt.path, `{"reviewer":"ada","reason":"because"}`)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("%d %s; want %d with %s", w.Code, w.Body, tt.status, tt.says)
			}
		})
	}
}

func TestAPageFromElsewhereCannotReview(t *testing.T) {
	t.Parallel()
	b, s := inReview(t, says(200, paid(rent())))
	r := httptest.NewRequest("POST", "/review/rent-11/resend", strings.NewReader(`{"reviewer":"mallory"}`))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	routes(b.processor, b.agent.Healthz(), nil).ServeHTTP(w, r)
	if w.Code != http.StatusForbidden || len(s.questions()) > 0 {
		t.Errorf("answered %d", w.Code)
	}
}

// A database that fails is said, and what is wrong with it is for the log.
func TestWithoutItsDatabaseItTakesNothing(t *testing.T) {
	t.Parallel()
	b := newBusiness(t, &script{lines: []line{resets}}, nil)
	h := routes(b.processor, b.agent.Healthz(), slog.New(slog.DiscardHandler))
	b.store.close()
	if w := ask(t, h, "POST", "/transactions", string(rent().payload())); w.Code != 503 || !strings.Contains(w.Body.String(), "try again later") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if err := b.processor.run(t.Context()); err == nil {
		t.Error("it goes on")
	}
}
