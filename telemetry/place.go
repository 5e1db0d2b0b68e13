package telemetry

import (
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// A place is where a request goes: server.address and server.port.
type place struct {
	address string
	port    int
}

// elsewhere is what hosts beyond the limit are folded into.
var elsewhere = place{address: other}

// placeOf reads the Host header that will be sent, as the conventions ask,
// which is not always the URL's host. Where no port is given it is that of the
// scheme.
func placeOf(req *http.Request) place {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	address, port := splitHost(host)
	if port == 0 {
		port = defaultPort(req.URL.Scheme)
	}
	return place{address, port}
}

// splitHost splits "host", "host:port", "[v6]" and "[v6]:port". Unlike
// [net.SplitHostPort] it needs no port and allocates nothing. The port is 0 if
// there is none that makes sense.
func splitHost(host string) (string, int) {
	end := len(host)
	if i := strings.LastIndexByte(host, ':'); i >= 0 && i > strings.LastIndexByte(host, ']') {
		end = i
	}
	address := host[:end]
	if strings.HasPrefix(address, "[") && strings.HasSuffix(address, "]") {
		address = address[1 : len(address)-1]
	}
	if end == len(host) {
		return address, 0
	}
	port, err := strconv.ParseUint(host[end+1:], 10, 16)
	if err != nil {
		return address, 0
	}
	return address, int(port)
}

func defaultPort(scheme string) int {
	switch scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}

// String returns the place as host:port.
func (p place) String() string { return p.address + ":" + strconv.Itoa(p.port) }

func (p place) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{semconv.ServerAddress(p.address), semconv.ServerPort(p.port)}
}
