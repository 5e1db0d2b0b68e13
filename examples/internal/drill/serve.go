package drill

import (
	"context"
	"net"
	"net/http"
)

// Serve starts s on a free port of the loopback interface, and returns its URL.
// It serves until it is closed.
func Serve(ctx context.Context, s *http.Server) (url string, err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = s.Serve(l) }() // it always ends with an error: that it was closed
	return "http://" + l.Addr().String(), nil
}
