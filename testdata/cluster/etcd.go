package main

import (
	"flag"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcd runs a store of one member that never waits for the disk. With --remove it takes that directory along when the
// parent is gone.
func etcd(args []string) error {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	dir := flags.String("data-dir", "", "directory of the store")
	client := flags.String("listen-client-url", "", "URL to serve on")
	peer := flags.String("listen-peer-url", "", "URL that other members would use")
	remove := flags.String("remove", "", "directory to remove when the parent process ends without doing so")
	if err := flags.Parse(args); err != nil {
		return err
	}
	endWithParent(func() {
		for range 10 { // the store and its siblings may still be writing
			if *remove == "" || os.RemoveAll(*remove) == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	clientURL, err := url.Parse(*client)
	if err != nil {
		return err
	}
	peerURL, err := url.Parse(*peer)
	if err != nil {
		return err
	}
	c := embed.NewConfig()
	c.Dir = *dir
	c.LogLevel = "error"
	c.UnsafeNoFsync = true
	c.SocketOpts.ReusePort = true
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{*clientURL}, []url.URL{*clientURL}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{*peerURL}, []url.URL{*peerURL}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.QuotaBackendBytes = 4 << 30
	server, err := embed.StartEtcd(c)
	if err != nil {
		return err
	}
	defer server.Close()
	ctx, stop := signals()
	defer stop()
	select {
	case err := <-server.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
