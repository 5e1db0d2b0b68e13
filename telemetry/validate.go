package telemetry

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// checkNames finds names that name nothing.
func checkNames(field string, names []string) error {
	if slices.Contains(names, "") {
		return fmt.Errorf("telemetry: %s: an empty name", field)
	}
	return nil
}

// secretHeaders are never shown, not even to those who ask.
var secretHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}

func checkHeaders(field string, names []string) error {
	errs := []error{checkNames(field, names)}
	for _, name := range names {
		if slices.Contains(secretHeaders, http.CanonicalHeaderKey(name)) {
			errs = append(errs, fmt.Errorf("telemetry: %s: %s holds secrets and is never shown", field, name))
		}
	}
	return errors.Join(errs...)
}
