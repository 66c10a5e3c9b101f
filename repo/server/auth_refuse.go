package server

import (
	"errors"
	"net/http"
)

// refuse answers a request whose credentials do not allow it. Why is for the
// audit log; only who has proven who he is learns that something is forbidden.
func (s *Server) refuse(w *recorder, r *http.Request, rt route, action string, err error) {
	status, message := http.StatusUnauthorized, "unauthorized"
	if errors.Is(err, errForbidden) {
		status, message = http.StatusForbidden, err.Error()
	} else {
		w.Header().Set("WWW-Authenticate", s.auth.challenge(rt.tenant, action))
	}
	if action == actionPush {
		s.audit.write(r, event{Action: "refused", Repository: rt.tenant, User: w.user, Status: status, Error: err.Error()})
	}
	s.fail(w, status, message)
}
