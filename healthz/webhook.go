package healthz

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/safetrip-go/safetrip/transport"
)

// A Webhook posts alerts as JSON, each as the [Alert] is tagged.
type Webhook struct {
	// URL is where to. It is required.
	URL string

	// Client sends. If nil, it is a client on [http.DefaultTransport]. With a
	// client whose transport is the kit's, alerts are retried: each has an
	// Idempotency-Key. Redirects are not followed, whatever the client says:
	// alerts go where URL says or nowhere.
	Client *http.Client

	// Header is sent along, such as an Authorization. It may be nil.
	Header http.Header

	// Logger is told of alerts that did not arrive, by category. If nil, it is
	// [slog.Default].
	Logger *slog.Logger
}

// Validate reports what is wrong with the fields.
func (w Webhook) Validate() error {
	if err := validURL(w.URL); err != nil {
		return fmt.Errorf("healthz: Webhook.URL %w", err)
	}
	return nil
}

// Sink returns the sink. It panics if a field is not valid.
func (w Webhook) Sink() Sink {
	if err := w.Validate(); err != nil {
		panic(err)
	}
	var client http.Client
	if w.Client != nil {
		client = *w.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	header := w.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	header.Set("Content-Type", "application/json")
	logger := w.Logger

	return func(ctx context.Context, a Alert) {
		what := post(ctx, &client, w.URL, header, a)
		if what == "" {
			return
		}
		log := logger
		if log == nil {
			log = slog.Default()
		}
		log.WarnContext(ctx, "health alert did not arrive", "agent", a.Agent, "check", a.Check, "to", a.To.String(), "category", what)
	}
}

// post returns "" or the category of what went wrong.
func post(ctx context.Context, client *http.Client, url string, header http.Header, a Alert) string {
	body, err := json.Marshal(a)
	if err != nil {
		return transport.Classify(blank, nil, err).Category.String()
	}
	ctx = transport.WithIdempotencyKey(transport.WithOperation(ctx, "health alert"), rand.Text())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return transport.Validation.String()
	}
	req.Header = header.Clone()
	resp, err := client.Do(req)
	if err != nil {
		return transport.Classify(req, nil, err).Category.String()
	}
	transport.Discard(resp)
	if resp.StatusCode/100 != 2 {
		return fmt.Sprintf("%s: status %d", transport.Classify(req, resp, nil).Category, resp.StatusCode)
	}
	return ""
}
