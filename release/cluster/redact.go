package cluster

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/internal/mask"
	"github.com/e6d26078/slipway/release/manifest"
)

// redact takes the API server's words out of an error if they quote what is in
// a Secret. What is left are the reason and the names of fields.
func redact(err error, o manifest.Object) error {
	if err == nil || o.Kind != "Secret" || o.APIVersion != "v1" || !quotes(err.Error(), o) {
		return err
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return errors.New("the message is left out, as it quotes the data of the Secret")
	}
	s := status.Status()
	fields := fieldCauses(status)
	s.Message = "the message is left out, as it quotes the data of the Secret"
	if len(fields) > 0 {
		s.Message = fmt.Sprintf("%s: %s", strings.Join(fields, ", "), s.Message)
	}
	if s.Details != nil {
		details := *s.Details
		details.Causes = make([]metav1.StatusCause, len(s.Details.Causes))
		for i, cause := range s.Details.Causes {
			details.Causes[i] = metav1.StatusCause{Type: cause.Type, Field: cause.Field}
		}
		s.Details = &details
	}
	return &apierrors.StatusError{ErrStatus: s}
}

// quotes tells whether a text has a value of a Secret in it, plain or encoded.
func quotes(text string, secret manifest.Object) bool {
	var secrets mask.Secrets
	secrets.AddFrom([]manifest.Object{secret})
	return secrets.In(text)
}
