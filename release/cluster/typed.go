package cluster

import (
	"net/http"

	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	batchv1 "k8s.io/client-go/kubernetes/typed/batch/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	storagev1 "k8s.io/client-go/kubernetes/typed/storage/v1"
	"k8s.io/client-go/rest"
)

// Typed is the part of client-go's kubernetes.Interface that slipway uses, so that
// a program need not link the clients of all other API groups, and have them in
// memory. A kubernetes.Interface is one.
type Typed interface {
	AppsV1() appsv1.AppsV1Interface
	AuthorizationV1() authorizationv1.AuthorizationV1Interface
	BatchV1() batchv1.BatchV1Interface
	CoordinationV1() coordinationv1.CoordinationV1Interface
	CoreV1() corev1.CoreV1Interface
	StorageV1() storagev1.StorageV1Interface
}

// typedClients is the Typed of a Client.
type typedClients struct {
	apps          *appsv1.AppsV1Client
	authorization *authorizationv1.AuthorizationV1Client
	batch         *batchv1.BatchV1Client
	coordination  *coordinationv1.CoordinationV1Client
	core          *corev1.CoreV1Client
	storage       *storagev1.StorageV1Client
}

func newTyped(config *rest.Config, client *http.Client) (t typedClients, err error) {
	if t.apps, err = appsv1.NewForConfigAndClient(config, client); err != nil {
		return t, err
	}
	if t.authorization, err = authorizationv1.NewForConfigAndClient(config, client); err != nil {
		return t, err
	}
	if t.batch, err = batchv1.NewForConfigAndClient(config, client); err != nil {
		return t, err
	}
	if t.coordination, err = coordinationv1.NewForConfigAndClient(config, client); err != nil {
		return t, err
	}
	if t.core, err = corev1.NewForConfigAndClient(config, client); err != nil {
		return t, err
	}
	t.storage, err = storagev1.NewForConfigAndClient(config, client)
	return t, err
}

func (t typedClients) AppsV1() appsv1.AppsV1Interface { return t.apps }

func (t typedClients) AuthorizationV1() authorizationv1.AuthorizationV1Interface {
	return t.authorization
}

func (t typedClients) BatchV1() batchv1.BatchV1Interface { return t.batch }

func (t typedClients) CoordinationV1() coordinationv1.CoordinationV1Interface { return t.coordination }

func (t typedClients) CoreV1() corev1.CoreV1Interface { return t.core }

func (t typedClients) StorageV1() storagev1.StorageV1Interface { return t.storage }
