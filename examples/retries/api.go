package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

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
