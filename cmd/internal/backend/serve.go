package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/repo/server"
)

// Serve is a chart repository server until ctx ends.
func (Kubernetes) Serve(ctx context.Context, o link.ServeOptions) (err error) {
	options := server.Options{
		Now: o.Now, Depth: depthOf(o.Depth, o.AnyDepth), ContextPath: o.ContextPath, ChartURL: o.ChartURL, Version: o.Version,
		AllowOverwrite: o.AllowOverwrite, AllowForce: o.AllowForce, NoDelete: o.NoDelete, NoAPI: o.NoAPI,
		Quota: server.Quota{Objects: o.MaxObjects, Bytes: o.MaxBytes}, MaxUpload: o.MaxUpload, Rate: o.Rate,
		Origin: o.Origin, ReadTimeout: o.ReadTimeout, Log: logger(o), Audit: o.Audit,
		Auth: server.Auth{
			Users: o.Users, AnonymousGet: o.AnonymousGet, Keys: o.Keys, Realm: o.Realm, Service: o.Service, Issuer: o.Issuer, Audience: o.Audience,
		},
	}
	if err := teams(o.Teams, &options); err != nil {
		return err
	}
	var secure *tls.Config
	if o.CertFile != "" {
		if secure, err = server.TLSConfig(o.CertFile, o.KeyFile, o.ClientCAFile); err != nil {
			return err
		}
	}
	if options.Auth.IsOpen() && o.ClientCAFile == "" && !o.Open {
		if err := checkLoopback(o.Listen); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	storage, closeStorage, err := openStorage(ctx, o, &options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStorage()) }()
	s, err := server.New(ctx, storage, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	scheme := "http"
	if secure != nil {
		scheme = "https"
	}
	o.Ready(scheme + "://" + listener.Addr().String())
	return s.Serve(ctx, listener, secure)
}

func logger(o link.ServeOptions) *slog.Logger {
	if o.JSON {
		return slog.New(slog.NewJSONHandler(o.Log, nil))
	}
	return slog.New(slog.NewTextHandler(o.Log, nil))
}

// checkLoopback refuses addresses that other machines reach.
func checkLoopback(listen string) error {
	address, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return err
	}
	if !address.IP.IsLoopback() {
		return fmt.Errorf("on %s everybody who reaches this machine could upload charts: give --basic-auth-user, --auth-cert-path or --tls-ca-cert, or --listen-without-auth if something else protects it", listen)
	}
	return nil
}
