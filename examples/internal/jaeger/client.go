package jaeger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// A Client reads from a Jaeger's query API.
type Client struct {
	URL string // such as http://127.0.0.1:16686
}

// ErrNotFound is returned for a trace that Jaeger does not have.
var ErrNotFound = errors.New("jaeger: no such trace")

// TraceURL is where the API has a trace, in the form of OTLP.
func (c Client) TraceURL(id string) string { return c.URL + "/api/v3/traces/" + id }

// Trace returns the spans of a trace.
func (c Client) Trace(ctx context.Context, id string) ([]Span, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.TraceURL(id), nil)
	if err != nil {
		return nil, err
	}
	resp, err := new(http.Client).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, ErrNotFound
	default:
		return nil, fmt.Errorf("jaeger: %s", resp.Status)
	}
	var answer struct {
		Result struct {
			ResourceSpans []resourceSpans `json:"resourceSpans"`
		} `json:"result"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("jaeger: %w", err)
	}
	return spansOf(answer.Result.ResourceSpans), nil
}
