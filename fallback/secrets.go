package fallback

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// querySecrets are the names under which credentials travel in a query.
var querySecrets = []string{
	"key", "api_key", "apikey", "api-key", "subscription-key", "appid", "app_key", "access_key",
	"token", "access_token", "auth_token", "id_token", "auth", "jwt", "session", "password", "secret", "client_secret",
	"sig", "signature", "x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature", "x-goog-credential",
}

// sameSecret returns the name of a credential in query that is in original too,
// or "" if there is none. Of a query that cannot be read nobody can say.
func sameSecret(query, original string) string {
	if query == "" || original == "" {
		return ""
	}
	now, err := url.ParseQuery(query)
	if err != nil {
		return "perhaps: it cannot be read"
	}
	before, _ := url.ParseQuery(original)
	same := func(name string) bool {
		return slices.ContainsFunc(now[name], func(v string) bool { return v != "" && slices.Contains(before[name], v) })
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if slices.Contains(querySecrets, strings.ToLower(name)) && same(name) {
			return name
		}
	}
	return ""
}
