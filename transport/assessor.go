package transport

import "net/http"

// An assessor is a layer's Classifier.
type assessor struct {
	classify Classifier
	plain    bool // it is Classify
}

func assessorOf(c Classifier) assessor {
	if c == nil {
		return assessor{Classify, true}
	}
	return assessor{c, false}
}

// wentWell says sooner what Classify says of most calls, that they went well: a
// verdict is 32 bytes for each layer to copy. False says nothing.
func (a assessor) wentWell(resp *http.Response, err error) bool {
	return a.plain && err == nil && resp.StatusCode < 400
}
