package telemetry

import (
	"net/url"
	"slices"
	"strings"
)

const redacted = "REDACTED"

// defaultSecrets are the query keys whose values are never shown. The first
// line has those of the conventions, and two that they had before. The rest
// are names that other services take credentials by.
var defaultSecrets = []string{
	"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Goog-Signature", "sig", "Signature", "AWSAccessKeyId",
	"access_token", "refresh_token", "id_token", "token", "auth_token", "sas_token", "jwt", "assertion", "code",
	"api_key", "api-key", "apikey", "x-api-key", "key", "subscription-key", "appid",
	"password", "passwd", "pwd", "secret", "client_secret", "auth", "authorization", "credential", "signature",
	"session", "session_id", "sessionid",
}

// secrets are query keys, the default ones and the user's.
type secrets []string

func secretKeys(users []string) secrets { return slices.Concat(users, defaultSecrets) }

// fullURL returns url.full: u without its user's name and password, and
// without the values of secret keys.
func (s secrets) fullURL(u *url.URL) string {
	query := s.redact(u.RawQuery)
	if isPlain(u) {
		if query != "" {
			return u.Scheme + "://" + u.Host + u.Path + "?" + query
		}
		return u.Scheme + "://" + u.Host + u.Path
	}
	shown := *u
	shown.RawQuery, shown.Opaque = query, redactOpaque(u.Opaque)
	if u.User != nil {
		shown.User = url.UserPassword(redacted, redacted)
	}
	if strings.IndexByte(u.Fragment, '=') >= 0 { // where OAuth puts its access_token
		shown.Fragment, shown.RawFragment = s.redact(u.Fragment), ""
	}
	return shown.String()
}

// isPlain reports whether u is its parts and nothing else: no user, no
// fragment, nothing to escape. Most are, and [url.URL.String] takes its time.
func isPlain(u *url.URL) bool {
	return u.Scheme != "" && u.User == nil && u.Opaque == "" && u.Fragment == "" && u.RawPath == "" &&
		!u.ForceQuery && isWord(u.Host) && strings.HasPrefix(u.Path, "/") && isWord(u.Path)
}

// isWord reports whether nothing in s is ever escaped in a path or a host.
func isWord(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '/', c == '-', c == '_', c == '.', c == ':', c == '~':
		default:
			return false
		}
	}
	return s != ""
}

// redact replaces the values of secret keys in a query. It does not decode
// and encode the whole: what is no secret stays as it was written. A semicolon
// separates too; servers differ, and the cautious reading shows less.
func (s secrets) redact(query string) string {
	if query == "" {
		return ""
	}
	var b strings.Builder
	shown := 0 // what of query is in b
	for at := 0; at < len(query); {
		end := len(query)
		if i := strings.IndexAny(query[at:], "&;"); i >= 0 {
			end = at + i
		}
		if key, value, ok := strings.Cut(query[at:end], "="); ok && value != "" && s.has(key) {
			b.WriteString(query[shown : at+len(key)+1])
			b.WriteString(redacted)
			shown = end
		}
		at = end + 1
	}
	if shown == 0 {
		return query
	}
	b.WriteString(query[shown:])
	return b.String()
}

// has reports whether key, as it is written in a query, is a secret one.
// Letters of either case are the same: a secret is one however it is spelled.
func (s secrets) has(key string) bool {
	if strings.ContainsAny(key, "%+") {
		if plain, err := url.QueryUnescape(key); err == nil {
			key = plain
		}
	}
	return slices.ContainsFunc(s, func(k string) bool { return len(k) == len(key) && strings.EqualFold(k, key) })
}

// redactOpaque hides the user in an opaque part such as "//user:pw@host/path".
func redactOpaque(opaque string) string {
	authority, ok := strings.CutPrefix(opaque, "//")
	if !ok {
		return opaque
	}
	path := ""
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority, path = authority[:i], authority[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		return "//" + redacted + ":" + redacted + authority[i:] + path
	}
	return opaque
}
