package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/safetrip-go/safetrip/transport"
)

// An externalAPI is a client of somebody else's service.
type externalAPI struct {
	data, critical *http.Client
	url            string
}

func (a *externalAPI) getData(ctx context.Context) (string, error) {
	return get(transport.WithOperation(ctx, "get_data"), a.data, a.url+"/data")
}

func (a *externalAPI) getCriticalData(ctx context.Context) (string, error) {
	return get(transport.WithOperation(ctx, "get_critical_data"), a.critical, a.url+"/critical")
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s", url, resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// tell prints what the Trip of a call knows.
func tell(out io.Writer, trip *transport.Trip, body string, err error) {
	for i, a := range trip.Attempts() {
		fmt.Fprintf(out, "  attempt %d after a wait of %-6v %d\n", i+1, a.Wait.Round(time.Millisecond), a.Status)
	}
	if err != nil {
		fmt.Fprintf(out, "  gave up: %s\n", trip.GaveUp())
		return
	}
	fmt.Fprintf(out, "  answered: %s\n", body)
}

// logger prints the moments that Retry logs, without what changes from run to
// run.
func logger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.LevelKey, slog.MessageKey, "operation", "attempt", "attempts", "reason":
				return a
			}
			return slog.Attr{}
		},
	}))
}
