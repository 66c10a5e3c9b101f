package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
)

const (
	nodeName     = "node-1"
	storageClass = "standard"
	provisioner  = "slipway.dev/stages"
)

// until calls try every few milliseconds until it succeeds or ctx is done, and then returns its last error.
func until(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(30 * time.Millisecond):
		}
	}
}

func awaitServer(ctx context.Context, client kubernetes.Interface) error {
	return until(ctx, func() error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// addNode adds the node for all pods, with the port on which it serves their logs, and a class for volumes.
func addNode(ctx context.Context, client kubernetes.Interface, port int32) error {
	node, err := client.CoreV1().Nodes().Create(ctx, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName, Labels: map[string]string{
			"kubernetes.io/hostname": nodeName, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	large := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("10k"),
		corev1.ResourceMemory:           resource.MustParse("100Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Ti"),
		corev1.ResourcePods:             resource.MustParse("10000"),
	}
	now := metav1.Now()
	node.Status = corev1.NodeStatus{
		Capacity: large, Allocatable: large,
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}, {Type: corev1.NodeHostName, Address: nodeName},
		},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: port}},
		Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "this node is always ready",
			LastHeartbeatTime: now, LastTransitionTime: now,
		}},
		NodeInfo: corev1.NodeSystemInfo{
			OperatingSystem: "linux", Architecture: "amd64", KubeletVersion: "v1.36.3", ContainerRuntimeVersion: "kwok://0.8.0",
		},
	}
	if node, err = client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		return err
	}
	// The admission plugin that taints a new node leaves it to the node lifecycle controller to take the taint away. That
	// controller does not run here: it would declare the node dead for want of heartbeats.
	node.Spec.Taints = nil
	if _, err := client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{}); err != nil {
		return err
	}
	retain := corev1.PersistentVolumeReclaimRetain
	_, err = client.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name: storageClass, Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner: provisioner, ReclaimPolicy: &retain,
	}, metav1.CreateOptions{})
	return err
}

// tryPod runs a pod behind a Service and returns when the Service has a ready endpoint, the pod and the Service removed
// again: every component has done its part by then.
func tryPod(ctx context.Context, client kubernetes.Interface) error {
	const namespace, name = metav1.NamespaceSystem, "cluster-trial"
	labels := map[string]string{"app": name}
	meta := metav1.ObjectMeta{Name: name, Labels: labels}
	pods, services := client.CoreV1().Pods(namespace), client.CoreV1().Services(namespace)
	err := until(ctx, func() error { // the API server makes the namespace soon after it is ready
		_, err := services.Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
			Selector: labels, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(80)}},
		}}, metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	_, err = pods.Create(ctx, &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "main", Image: "example.com/trial"}},
	}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	err = until(ctx, func() error {
		slices, err := client.DiscoveryV1().EndpointSlices(namespace).List(ctx,
			metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + name})
		if err != nil {
			return err
		}
		for _, slice := range slices.Items {
			for _, endpoint := range slice.Endpoints {
				if endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready {
					return nil
				}
			}
		}
		return fmt.Errorf("the Service %s/%s has no ready endpoint", namespace, name)
	})
	if err != nil {
		return err
	}
	if err := pods.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	return services.Delete(ctx, name, metav1.DeleteOptions{})
}
