{{/* The namespace of every object. */}}
{{- define "drypull.namespace" -}}
{{- default .Release.Namespace .Values.namespace.name -}}
{{- end -}}

{{/* Labels that Helm and the recommended label scheme add to every object. */}}
{{- define "drypull.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "drypull.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}

{{/* True where the agent needs root: other programs' files and processes are root's. */}}
{{- define "drypull.asRoot" -}}
{{- $distribution := include "drypull.distribution" . | fromYaml -}}
{{- if or .Values.runAsRoot .Values.hostProc .Values.credentialPlugins $distribution.root }}true{{ end -}}
{{- end -}}

{{/* What the agent needs beside the base on the nodes of a distribution: as the components distribution-* of manifests/. */}}
{{- define "drypull.distributions" -}}
k3s: { root: true, mounts: [{ name: host-rancher, path: /var/lib/rancher, propagate: true }] }
rke2: { root: true, mounts: [{ name: host-rancher, path: /var/lib/rancher, propagate: true }] }
microk8s:
  root: true
  mounts: [{ name: host-microk8s, path: /var/snap/microk8s, propagate: true }]
  hide: /var/snap/microk8s/common/var/lib/kubelet/pods
k0s:
  root: true
  mounts:
    - { name: host-k0s-kubelet, path: /var/lib/k0s/kubelet, propagate: true }
    - { name: host-k0s-containerd, path: /var/lib/k0s/containerd, propagate: true }
  hide: /var/lib/k0s/kubelet/pods
gke: { mounts: [{ name: host-home-kubernetes, path: /home/kubernetes }] }
{{- end -}}

{{- define "drypull.distribution" -}}
{{- $all := include "drypull.distributions" . | fromYaml -}}
{{- get $all .Values.distribution | default dict | toYaml -}}
{{- end -}}

{{/* True where the objects of the Prometheus Operator are rendered. */}}
{{- define "drypull.monitoring" -}}
{{- $enabled := .Values.monitoring.enabled -}}
{{- if eq (toString $enabled) "auto" -}}
{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" }}true{{ end -}}
{{- else if $enabled }}true{{ end -}}
{{- end -}}

{{/* Takes the scheme, or nothing for HTTP. About the process itself: a dead registry fails none of them. */}}
{{- define "drypull.probes" -}}
startupProbe:
  httpGet:
    path: /livez
    port: http
    {{- with . }}
    scheme: {{ . }}
    {{- end }}
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet:
    path: /livez
    port: http
    {{- with . }}
    scheme: {{ . }}
    {{- end }}
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet:
    path: /readyz
    port: http
    {{- with . }}
    scheme: {{ . }}
    {{- end }}
  periodSeconds: 10
  timeoutSeconds: 5
{{- end -}}

{{/* A binding of a role to a ServiceAccount of the chart. Takes root, kind (ClusterRole or Role), name, account, namespace. */}}
{{- define "drypull.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- if eq .kind "Role" }}
  namespace: {{ default (include "drypull.namespace" .root) .namespace }}
  {{- end }}
  labels:
    {{- include "drypull.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .account }}
    namespace: {{ include "drypull.namespace" .root }}
{{- end -}}

{{/* The name of a volume for a directory of the node. */}}
{{- define "drypull.volumeName" -}}
host{{ regexReplaceAll "[^a-z0-9]+" (lower .) "-" | trunc 58 | trimSuffix "-" }}
{{- end -}}
