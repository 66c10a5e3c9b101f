package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	headerTimeout = 10 * time.Second
	writeTimeout  = 10 * time.Minute
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
	// lastRequests is how long requests may go on when the server ends.
	lastRequests = 3 * time.Second
)

// TLSConfig reads a certificate with its key. With a file of authorities,
// clients need a certificate of one of them.
func TLSConfig(certFile, keyFile, clientCAFile string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clientCAFile == "" {
		return c, nil
	}
	text, err := os.ReadFile(clientCAFile)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of clients: %w", err)
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read the authorities of clients: %s has no certificates", clientCAFile)
	}
	return c, nil
}

// Serve answers the requests of a listener until ctx ends, then those that are
// under way, and returns nil. secure may be nil.
func (s *Server) Serve(ctx context.Context, listener net.Listener, secure *tls.Config) error {
	h := &http.Server{
		Handler: s, TLSConfig: secure, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: s.o.ReadTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
	}
	ended := make(chan error, 1)
	go func() {
		if secure != nil {
			ended <- h.ServeTLS(listener, "", "")
			return
		}
		ended <- h.Serve(listener)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRequests)
	defer cancel()
	err := h.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests that took too long were cut off")
		err = h.Close()
	}
	<-ended
	return err
}
