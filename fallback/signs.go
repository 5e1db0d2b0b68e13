package fallback

import (
	"slices"
	"strings"
)

// Signs are headers by which an answer may differ though Vary does not name
// them: services forget to, or think of a proxy in front that they trust. They
// tell requests apart as if every answer varied by them. They prove nobody to
// be anybody, and so do not make an answer private to anyone, as credentials
// do.
//
// X-Forwarded-For and its kind are not among them: an answer that depends on an
// address is rare, and nothing would be shared any more.

// detours lead a request to another place than its URL and Host do.
var detours = namesOf(
	"forwarded", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-scheme", "x-forwarded-port", "x-forwarded-prefix",
	"x-forwarded-server", "x-original-host", "x-original-url", "x-rewrite-url", "x-host",
	"x-http-method-override", "x-http-method", "x-method-override",
)

// persons say for whom a request is, on the word of a proxy that has looked.
var persons = namesOf(
	"x-user", "x-user-id", "x-userid", "x-username", "x-user-name", "x-user-email", "x-remote-user", "remote-user",
	"x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username", "x-forwarded-client-cert",
	"x-auth-request-user", "x-auth-request-email", "x-client-cert", "x-ssl-client-cert", "x-ms-client-principal", "x-ms-client-principal-id",
	"x-goog-authenticated-user-email", "x-goog-authenticated-user-id", "x-goog-user-project", "x-amzn-oidc-data", "x-amzn-oidc-identity",
	"x-tenant", "x-tenant-id", "x-account-id", "x-customer-id", "x-org-id", "x-organization-id", "openai-organization", "openai-project",
	"x-session-id", "x-impersonate-user", "impersonate-user", "impersonate-group",
)

// isSign says whether a header tells requests apart that are not told apart by
// its being a credential.
func (c *core) isSign(name string) bool {
	return detours.has(name) || !c.SingleUser && (persons.has(name) || looksSecret(name))
}

// looksSecret says whether a header has the name of a credential that nobody
// told us of. An Idempotency-Key is no secret.
func looksSecret(name string) bool {
	if len(name) < len("key") {
		return false
	}
	switch name[len(name)-2] | 0x20 { // it costs little to tell from here that most are none
	case 'e', 'w', 'o', 'r':
	default:
		return false
	}
	last := name[strings.LastIndexByte(name, '-')+1:]
	switch len(last) {
	case len("key"): // and jwt
		return strings.EqualFold(last, "jwt") || strings.EqualFold(last, "key") && !isIdempotencyKey(name)
	case len("token"):
		return strings.EqualFold(last, "token")
	case len("apikey"): // and secret
		return strings.EqualFold(last, "apikey") || strings.EqualFold(last, "secret")
	case len("session"):
		return strings.EqualFold(last, "session")
	case len("password"):
		return strings.EqualFold(last, "password")
	case len("assertion"): // and signature
		return strings.EqualFold(last, "assertion") || strings.EqualFold(last, "signature")
	}
	return false
}

func isIdempotencyKey(name string) bool {
	return strings.EqualFold(name, "Idempotency-Key") || strings.EqualFold(name, "X-Idempotency-Key")
}

// identity returns all settings by which users are told apart. Caches that
// differ in them do not understand one another's keys.
func (c *core) identity() []string {
	all := []string{"", ""}
	if c.SingleUser {
		all[0] = "single user"
	}
	if c.Partition != nil {
		all[1] = "partition"
	}
	for _, set := range []nameSet{c.credentials, detours, persons} {
		names := slices.Sorted(set.all())
		all = append(all, strings.Join(names, ","))
	}
	return all
}
