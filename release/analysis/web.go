package analysis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/ohler55/ojg/jp"

	"github.com/e6d26078/slipway/release/internal/mask"
	"github.com/e6d26078/slipway/release/rollout"
)

// web reads a JSON document and picks the result from it.
func (s *Sampler) web(ctx context.Context, w *rollout.Web, hidden *mask.Secrets) (reading, error) {
	headers := map[string]string{"Accept": "application/json"}
	if w.Body != "" {
		headers["Content-Type"] = "application/json"
	}
	for name, value := range w.Headers {
		headers[http.CanonicalHeaderKey(name)] = value
		hidden.Add(value)
	}
	a, err := s.ask(ctx, request{
		method: webMethod(w), url: w.URL, headers: headers, body: w.Body, tokenFile: w.TokenFile, caFile: w.CAFile,
	}, hidden)
	if err != nil {
		return reading{}, err
	}
	if a.Status < 200 || a.Status > 299 {
		return reading{}, fmt.Errorf("the server answers %d %s", a.Status, http.StatusText(a.Status))
	}
	var document any
	if err := json.Unmarshal(a.Body, &document); err != nil {
		return reading{}, errors.New("the answer is not JSON")
	}
	result, err := pick(w.JSONPath, document)
	if err != nil {
		return reading{}, err
	}
	got := reading{result: result, verdict: rollout.Successful}
	if result == nil {
		got.none = "no data: the document has nothing at " + pathName(w.JSONPath)
	} else if result == false {
		got.verdict, got.message = rollout.Bad, "the result is false"
	}
	return got, nil
}

func webMethod(w *rollout.Web) string {
	switch {
	case w.Method != "":
		return strings.ToUpper(w.Method)
	case w.Body != "":
		return http.MethodPost
	}
	return http.MethodGet
}

// pathName names a path for people.
func pathName(path string) string {
	if path == "" {
		return "$"
	}
	return path
}

// parsePath reads a JSONPath, with or without the braces that kubectl wants around it.
func parsePath(path string) (jp.Expr, error) {
	if len(path) > maxConditionBytes {
		return nil, fmt.Errorf("jsonPath: %d bytes are too many, %d are allowed", len(path), maxConditionBytes)
	}
	text := strings.TrimSpace(path)
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		text, ok = strings.CutSuffix(inner, "}")
		if !ok {
			return nil, errors.New("jsonPath: the closing brace is missing")
		}
	}
	if strings.Count(text, "..") > 1 {
		return nil, errors.New("jsonPath: .. can be used once only")
	}
	parsed, err := jp.ParseString(text)
	if err != nil {
		return nil, fmt.Errorf("jsonPath: %w", err)
	}
	return parsed, nil
}

// pick returns what a path finds: nil for nothing, the value for one, a list for several.
func pick(path string, document any) (result any, err error) {
	if path == "" {
		return document, nil
	}
	parsed, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("jsonPath: %v", r)
		}
	}()
	switch found := parsed.Get(document); len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	default:
		return found, nil
	}
}
