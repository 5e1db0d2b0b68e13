package safetrip_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/safetrip-go/safetrip"
	"github.com/safetrip-go/safetrip/fallback"
	"github.com/safetrip-go/safetrip/transport"
)

// A program that has an http.Client swaps its Transport, and mounts a handler.
func Example() {
	down := false
	directory := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "Ada Lovelace")
	}))
	defer directory.Close()

	agent, err := safetrip.New("billing", safetrip.Config{
		Retry:  transport.Retry{BaseDelay: time.Millisecond},
		Steps:  []fallback.Step{fallback.JSON(http.StatusOK, "guest")},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer agent.Close()
	client := &http.Client{Timeout: 10 * time.Second, Transport: agent.Transport()}

	load := func(path string) {
		resp, err := client.Get(directory.URL + path)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		name, err := io.ReadAll(resp.Body)
		fmt.Printf("%s: %s %v\n", path, name, err)
	}
	load("/users/1")
	down = true
	load("/users/1") // from the cache
	load("/users/2") // made up

	// Output:
	// /users/1: Ada Lovelace <nil>
	// /users/1: Ada Lovelace <nil>
	// /users/2: "guest" <nil>
}
