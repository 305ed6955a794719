//! `Dockerfile` and `kubernetes.yaml`.

use gateway_tests::artifacts::workspace;
use saphyr::{LoadableYamlNode as _, Yaml};

use super::{after, file, is_configuration, time};

/// A list in brackets, as ENTRYPOINT and CMD have it.
fn list(instruction: &str) -> Vec<String> {
    serde_json::from_str(after(&file("Dockerfile"), instruction)).expect("the form with brackets")
}

/// What stands behind an argument.
fn value<'a>(arguments: &[&'a str], flag: &str) -> &'a str {
    let place = arguments.iter().position(|argument| *argument == flag).unwrap_or_else(|| panic!("no {flag}"));
    arguments[place + 1]
}

/// The Deployment and the Service.
fn documents(text: &str) -> (Yaml<'_>, Yaml<'_>) {
    let mut all = Yaml::load_from_str(text).expect("it is YAML").into_iter();
    let both = (all.next().unwrap(), all.next().unwrap());
    assert!(all.next().is_none());
    assert_eq!((both.0["kind"].as_str(), both.1["kind"].as_str()), (Some("Deployment"), Some("Service")));
    both
}

fn strings<'a>(list: &'a Yaml<'_>) -> Vec<&'a str> {
    list.as_vec().unwrap().iter().map(|word| word.as_str().unwrap_or_else(|| panic!("{word:?} is no text"))).collect()
}

#[test]
fn the_image_runs_what_there_is() {
    let (entry, arguments) = (list("ENTRYPOINT "), list("CMD "));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    is_configuration(&arguments);
    let text = file("Dockerfile");
    let copied = |path: &str| text.lines().any(|line| line.starts_with("COPY --from=build ") && line.ends_with(path));
    assert!(copied(&entry[0]) && copied(arguments.last().unwrap().trim_end_matches(":app")), "{arguments:?}");
    let packages = after(&text, "RUN cargo build ").split("--package ").skip(1).map(str::trim);
    assert_eq!(packages.collect::<Vec<_>>(), ["gateway-server", "hello"]);
    assert!(workspace().join("Cargo.lock").exists(), "--locked");
}

#[test]
fn the_image_is_nobodys_root() {
    let text = file("Dockerfile");
    let user = after(&text, "USER ").split_once(':').expect("USER has a group");
    assert!([user.0, user.1].iter().all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user:?}");
    assert_eq!(after(&text, "STOPSIGNAL "), "SIGTERM");
    assert!(!text.lines().any(|line| line.starts_with("HEALTHCHECK")), "there is nothing to ask with");
}

#[test]
fn the_pod_runs_what_the_image_has() {
    let text = file("kubernetes.yaml");
    let (deployment, service) = documents(&text);
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let arguments = strings(&container["args"]);
    is_configuration(&arguments);
    let image = list("CMD ");
    assert_eq!(arguments, image, "what is tried with Docker is what runs");
    // All name one port.
    let port = value(&arguments, "--bind").rsplit(':').next().unwrap();
    assert_eq!(after(&file("Dockerfile"), "EXPOSE "), port);
    let named = &container["ports"][0];
    assert_eq!(named["containerPort"].as_integer(), port.parse().ok());
    let name = named["name"].as_str().unwrap();
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        assert_eq!(container[probe]["httpGet"]["port"].as_str(), Some(name), "{probe}");
    }
    assert_eq!(service["spec"]["ports"][0]["targetPort"].as_str(), Some(name));
    // And one user.
    let user = after(&file("Dockerfile"), "USER ").to_owned();
    let number = |key: &str| pod["securityContext"][key].as_integer().unwrap();
    assert_eq!(format!("{}:{}", number("runAsUser"), number("runAsGroup")), user);
    assert_eq!(pod["securityContext"]["runAsNonRoot"].as_bool(), Some(true));
}

#[test]
fn the_pod_is_found_by_its_labels() {
    let text = file("kubernetes.yaml");
    let (deployment, service) = documents(&text);
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&service["spec"]["selector"], labels);
}

/// Before TERM, after it, and the time in which a master ends its workers.
#[test]
fn the_pod_has_the_time_to_end() {
    let text = file("kubernetes.yaml");
    let (deployment, _) = documents(&text);
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let patience = pod["terminationGracePeriodSeconds"].as_integer().unwrap().cast_unsigned();
    let before = strings(&container["lifecycle"]["preStop"]["exec"]["command"]);
    let [program, before] = before[..] else { panic!("{before:?}") };
    let graceful = time(value(&strings(&container["args"]), "--graceful-timeout")).as_secs();
    assert_eq!(program, "sleep");
    assert!(patience > before.parse::<u64>().unwrap() + graceful + 2);
}

/// Nothing can be written but what is mounted, and large bodies have to go somewhere.
#[test]
fn the_pod_has_a_place_for_large_bodies() {
    let text = file("kubernetes.yaml");
    let (deployment, _) = documents(&text);
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"].as_bool(), Some(true));
    let mount = &container["volumeMounts"][0];
    assert_eq!(mount["mountPath"].as_str(), Some("/tmp"));
    assert_eq!(mount["name"], pod["volumes"][0]["name"]);
}
