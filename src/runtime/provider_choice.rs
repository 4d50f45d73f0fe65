// SPDX-License-Identifier: MPL-2.0

//! A provider with what the user says of it.

use super::Error;
use super::provider::{DeviceOption, ExecutionProvider, is_processor};

/// A provider with what is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ProviderChoice {
    pub provider: ExecutionProvider,
    /// Empty where it is left to the provider.
    pub device: String,
    /// Names and values as the provider documents them.
    pub options: Vec<(String, String)>,
    /// Path of the library that brings the provider; empty where ONNX Runtime has it built in.
    pub library: String,
}

impl From<ExecutionProvider> for ProviderChoice {
    fn from(provider: ExecutionProvider) -> ProviderChoice {
        ProviderChoice {
            provider,
            ..ProviderChoice::default()
        }
    }
}

impl ProviderChoice {
    /// Refuses what cannot be meant, which needs no library to be told.
    pub fn check(&self) -> Result<(), Error> {
        let facts = self.provider.facts();
        let refuse = |key, value: &str, cause: &str, remedy: &str| {
            Err(Error::Setting {
                key,
                value: value.to_owned(),
                cause: cause.to_owned(),
                remedy: remedy.to_owned(),
            })
        };
        let names_none = matches!(self.provider, ExecutionProvider::Auto | ExecutionProvider::Cpu);
        let nick = facts.nick;
        if let (true, Some((name, _))) = (names_none, self.options.first()) {
            let cause = format!("goes with no execution-provider={nick}");
            let remedy =
                "set execution-provider to the one that has this option, or leave provider-options unset";
            return refuse("provider-options", name, &cause, remedy);
        }
        let device = self.device.as_str();
        match (self.provider, facts.device) {
            _ if device.is_empty() => {}
            (ExecutionProvider::Auto, _) => {
                let remedy = "set execution-provider to the one that has this device, or leave device unset";
                return refuse(
                    "device",
                    device,
                    "says not of which execution-provider it is",
                    remedy,
                );
            }
            (ExecutionProvider::Cpu, _) if device != "0" => {
                return refuse(
                    "device",
                    device,
                    "does not exist on the CPU",
                    "leave device unset",
                );
            }
            (_, DeviceOption::None) if self.library.is_empty() && device != "0" => {
                let cause = format!("does not exist with execution-provider={nick}, which has one device");
                return refuse("device", device, &cause, "leave device unset");
            }
            // Of a library of its own devices go by kind, too.
            (_, DeviceOption::Number(_)) if self.library.is_empty() && device.parse::<u16>().is_err() => {
                let cause = format!("is no number of a device of execution-provider={nick}");
                return refuse(
                    "device",
                    device,
                    &cause,
                    "write a number such as 0, or leave device unset",
                );
            }
            (_, DeviceOption::Number(key) | DeviceOption::Name(key)) if self.says(key) => {
                let cause = format!("is said by provider-options, too, as {key}");
                return refuse("device", device, &cause, "leave one of both out");
            }
            _ => {}
        }
        self.check_library()
    }

    fn check_library(&self) -> Result<(), Error> {
        let nick = self.provider.facts().nick;
        let needs_one = matches!(self.provider, ExecutionProvider::Hip | ExecutionProvider::Plugin);
        match self.provider {
            _ if self.library.is_empty() && needs_one => Err(Error::Setting {
                key: "execution-provider",
                value: nick.to_owned(),
                cause: "comes in a library of its own".to_owned(),
                remedy: "set provider-library to its path".to_owned(),
            }),
            _ if self.library.is_empty() => Ok(()),
            _ if !cfg!(feature = "plugin-ep") => Err(Error::OptionUnavailable {
                option: "provider-library",
                value: self.library.clone(),
                remedy: "this build takes the providers that libonnxruntime has built in; build avrec with the cargo \
                         feature plugin-ep, which needs ONNX Runtime 1.22, or leave provider-library unset",
            }),
            ExecutionProvider::Auto | ExecutionProvider::Cpu => Err(Error::Setting {
                key: "provider-library",
                value: self.library.clone(),
                cause: format!("is not used with execution-provider={nick}"),
                remedy: "set execution-provider=plugin, or leave provider-library unset".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether the user gives this option.
    fn says(&self, key: &str) -> bool {
        self.options.iter().any(|(name, _)| name == key)
    }

    /// Returns the device that is asked for, by property or option; empty where none is.
    pub(super) fn device_name(&self) -> &str {
        let key = match self.provider.facts().device {
            DeviceOption::Number(key) | DeviceOption::Name(key) => key,
            DeviceOption::None => return &self.device,
        };
        let said = self.options.iter().find(|(name, _)| name == key);
        said.map_or(self.device.as_str(), |(_, value)| value)
    }

    /// Returns the options for ONNX Runtime: the user's, and before them what the properties say in the provider's words.
    pub(super) fn pairs(&self, threads: usize, memory_limit: u64) -> Vec<(String, String)> {
        let facts = self.provider.facts();
        let mut pairs = Vec::new();
        let device = match facts.device {
            DeviceOption::Number(key) | DeviceOption::Name(key) => Some(key),
            DeviceOption::None => None,
        };
        // Devices of a library of its own are chosen, not told.
        if let Some(key) = device.filter(|_| !self.device.is_empty() && self.library.is_empty()) {
            pairs.push((key.to_owned(), self.device.clone()));
        }
        let counts_threads =
            !facts.threads.iter().any(|it| self.says(it)) && is_processor(self.device_name());
        if let Some(key) = facts.threads.first().filter(|_| counts_threads) {
            pairs.push(((*key).to_owned(), threads.to_string()));
        }
        if let Some(key) = facts.memory.filter(|key| !self.says(key)) {
            pairs.push((key.to_owned(), memory_limit.to_string()));
        }
        pairs.extend(self.options.iter().cloned());
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(nick: &str, device: &str, options: &[(&str, &str)]) -> ProviderChoice {
        let options = options
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()));
        ProviderChoice {
            provider: ExecutionProvider::named(nick).unwrap(),
            device: device.into(),
            options: options.collect(),
            library: String::new(),
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_to_change() {
        for (choice, words) in [
            (
                choice("cpu", "1", &[]),
                "device=1 does not exist on the CPU; leave device unset",
            ),
            (choice("auto", "0", &[]), "says not of which execution-provider"),
            (
                choice("cpu", "", &[("a", "b")]),
                "provider-options=a goes with no execution-provider=cpu",
            ),
            (choice("cuda", "first", &[]), "write a number such as 0"),
            (choice("xnnpack", "2", &[]), "which has one device"),
            (
                choice("cuda", "1", &[("device_id", "0")]),
                "leave one of both out",
            ),
            (choice("hip", "", &[]), "set provider-library"),
            (choice("plugin", "", &[]), "set provider-library"),
        ] {
            let error = choice.check().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        for choice in [
            choice("cpu", "0", &[]),
            choice("auto", "", &[]),
            choice("cuda", "1", &[("cudnn_conv_algo_search", "HEURISTIC")]),
            choice("openvino", "AUTO:GPU,CPU", &[]),
        ] {
            choice.check().unwrap();
        }
    }

    #[test]
    #[cfg(not(feature = "plugin-ep"))]
    fn a_library_of_its_own_needs_the_feature() {
        let choice = ProviderChoice {
            library: "/opt/provider.so".into(),
            ..choice("openvino", "", &[])
        };
        let error = choice.check().unwrap_err().to_string();
        assert!(
            error.contains("provider-library=/opt/provider.so") && error.contains("plugin-ep"),
            "{error}"
        );
    }

    #[test]
    fn properties_are_said_in_the_words_of_the_provider_unless_the_user_says_them() {
        let pairs = |choice: ProviderChoice| {
            let pairs = choice.pairs(2, 1000).into_iter();
            pairs
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(pairs(choice("openvino", "", &[])), "num_of_threads=2");
        assert_eq!(pairs(choice("openvino", "GPU.1", &[])), "device_type=GPU.1");
        assert_eq!(
            pairs(choice("openvino", "", &[("num_of_threads", "4")])),
            "num_of_threads=4"
        );
        assert_eq!(
            pairs(choice("openvino", "", &[("load_config", "a.json")])),
            "load_config=a.json"
        );
        assert_eq!(pairs(choice("cuda", "1", &[])), "device_id=1 gpu_mem_limit=1000");
        assert_eq!(
            pairs(choice("cuda", "", &[("gpu_mem_limit", "5")])),
            "gpu_mem_limit=5"
        );
    }
}
