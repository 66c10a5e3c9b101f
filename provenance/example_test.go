package provenance_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/provenance"
)

// exampleKeyring is the content of a file of secret keys, as gpg
// --export-secret-keys writes it.
func exampleKeyring() []byte {
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}
	entity, err := openpgp.NewEntity("Release", "", "release@example.com", config)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := entity.SerializePrivate(&file, config); err != nil {
		log.Fatal(err)
	}
	return file.Bytes()
}

// exampleArchive is a packaged chart.
func exampleArchive() []byte {
	c := &chart.Chart{Metadata: &chart.Metadata{APIVersion: "v2", Name: "web", Version: "1.2.3"}}
	var archive bytes.Buffer
	if err := chart.Save(c, &archive, chart.SaveOptions{}); err != nil {
		log.Fatal(err)
	}
	return archive.Bytes()
}

func ExampleSign() {
	keys, err := provenance.ReadKeyring(bytes.NewReader(exampleKeyring()))
	if err != nil {
		log.Fatal(err)
	}
	signer, err := keys.Signer("release@example.com", time.Now())
	if err != nil {
		log.Fatal(err)
	}
	prov, err := provenance.Sign(context.Background(), "web-1.2.3.tgz", exampleArchive(), signer)
	if err != nil {
		log.Fatal(err)
	}
	text, _, _ := bytes.Cut(prov, []byte("\n\n..."))
	fmt.Println(string(text))
	// Output:
	// -----BEGIN PGP SIGNED MESSAGE-----
	// Hash: SHA512
	//
	// apiVersion: v2
	// name: web
	// version: 1.2.3
}

func ExampleVerify() {
	ring, archive := exampleKeyring(), exampleArchive()
	keys, err := provenance.ReadKeyring(bytes.NewReader(ring))
	if err != nil {
		log.Fatal(err)
	}
	signer, err := keys.Signer("release@example.com", time.Now())
	if err != nil {
		log.Fatal(err)
	}
	prov, err := provenance.Sign(context.Background(), "web-1.2.3.tgz", archive, signer)
	if err != nil {
		log.Fatal(err)
	}

	v, err := provenance.Verify(context.Background(), "web-1.2.3.tgz", archive, prov, keys, provenance.Policy{Now: time.Now()})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v.Metadata.Name, v.Metadata.Version, "signed by", v.SignedBy)

	_, err = provenance.Verify(context.Background(), "web-1.2.3.tgz", append(archive, 0), prov, keys, provenance.Policy{})
	var digest *provenance.DigestError
	fmt.Println("changed archive refused:", errors.As(err, &digest))
	// Output:
	// web 1.2.3 signed by [Release <release@example.com>]
	// changed archive refused: true
}
