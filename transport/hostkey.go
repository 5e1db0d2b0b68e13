package transport

import (
	"net/http"
	"strings"
)

// hostKey is the default key of circuits and budgets: scheme and authority,
// kept apart so that a lookup builds no string. A user's own key is a host
// without a scheme.
type hostKey struct{ scheme, host string }

func keyOf(req *http.Request, custom func(*http.Request) string) hostKey {
	if custom != nil {
		return hostKey{host: custom(req)}
	}
	if req.URL == nil {
		return hostKey{}
	}
	return hostKey{req.URL.Scheme, req.URL.Host}
}

// canonical returns the one key of all ways to write an authority: lower case,
// without its scheme's own port.
func (k hostKey) canonical() hostKey {
	if k.scheme == "" {
		return k
	}
	k.scheme = strings.ToLower(k.scheme)
	return hostKey{k.scheme, authority(k.scheme, k.host)}
}

func authority(scheme, host string) string {
	host = strings.TrimSuffix(host, ":") // an empty port is the scheme's own
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return strings.ToLower(host)
}

// clone returns a key that does not hold on to the URL it was cut from.
func (k hostKey) clone() hostKey {
	return hostKey{strings.Clone(k.scheme), strings.Clone(k.host)}
}

func (k hostKey) String() string {
	if k.scheme == "" {
		return k.host
	}
	return k.scheme + "://" + k.host
}
